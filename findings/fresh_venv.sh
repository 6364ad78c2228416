# Sourced by every finding, which has set `pins`: a virtual environment with them in a temporary
# folder, which is removed at the end. Arguments of the finding are installed after the pins, to see
# whether another version still behaves so: findings/NAME.sh onnxruntime==1.33.0
set -euo pipefail
export PYTHONPATH
PYTHONPATH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
python=$folder/venv/bin/python
"$python" -m pip install --quiet --no-compile --disable-pip-version-check "${pins[@]}"
if (($#)); then
    "$python" -m pip install --quiet --no-compile --disable-pip-version-check "$@"
fi
"$python" - "${pins[@]%%==*}" <<'EOF'
import sys
from importlib.metadata import version

print(", ".join(f"{name} {version(name)}" for name in sys.argv[1:]))
EOF
