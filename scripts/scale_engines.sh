#!/usr/bin/env bash
# Ray, Spark, Dask and MLflow in an environment of their own, and the tests that need them. Spark needs Java: where there is
# none, its tests are left out. It takes minutes and some gigabytes. With --check nothing is installed: it says what is missing.
# Arguments go to pytest.

source "$(dirname "$0")/environment.sh"

# Without scripts/constraints.txt: MLflow needs an older pyarrow than is pinned there.
packages=("ray[data]==2.60.0" pyspark==4.3.0 "dask[dataframe]==2026.8.0" distributed==2026.8.0 mlflow==3.17.2
  pandas==3.1.1 pyarrow==25.0.1 "pytest>=8")

if [ "${1:-}" = --check ]; then
  if [ -x .venv-engines/bin/ray ]; then
    echo "engines that share work out: all there; their tests are scripts/scale_engines.sh"
  else
    echo "skipped, because not installed: Ray, Spark, Dask, MLflow. To have their tests, too: scripts/scale_engines.sh"
  fi
  exit 0
fi

begin "installing into .venv-engines"
if [ ! -x .venv-engines/bin/python ]; then "$(find_python)" -m venv .venv-engines; fi
.venv-engines/bin/python -m pip install -qq --disable-pip-version-check --editable ".[export]" "${packages[@]}"

begin "tests of engines"
left_out=()
if ! java -version > /dev/null 2>&1; then
  echo "left out: Spark needs Java: apt-get install openjdk-17-jre-headless"
  left_out=(-k "not spark")
fi
.venv-engines/bin/python -m pytest -m engines tests/scale tests/fleet ${left_out[@]+"${left_out[@]}"} "$@"
