// Times a model's modules and runtimes of ONNX beside them, in Node and in browsers; see wasm_steps.py.

/** Calls to time: what each module and each runtime does for a step and for a sequence of 100, and a module of
 *  multiply-adds alone, as many `rows` of them as a step has. */
export async function candidates(loads, runtimes, onnx, { module, rows }) {
  const found = {};
  for (const [name, simd] of [['vectors', true], ['plain', false]]) {
    for (const [arithmetic, load] of Object.entries(loads)) {
      add(found, `${arithmetic}, ${name}`, await load(undefined, { simd, warn: null }));
    }
  }
  const { width, ...calls } = found;
  const bytes = Uint8Array.from(atob(module), (letter) => letter.charCodeAt(0));
  const { multiply_add } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  calls['multiply-adds alone'] = { step: () => multiply_add(rows), sequence: () => multiply_add(100 * rows) };
  for (const [name, ort] of Object.entries(runtimes)) {
    calls[name] = await withOnnxRuntime(ort, onnx, width);
  }
  return calls;
}

function add(found, name, model) {
  const stream = model.stream({ window: 0 });
  const x = new Float32Array(100 * model.inputSize).map((_, k) => Math.sin(k));
  const sample = x.slice(0, model.inputSize);
  found[name] = { step: () => stream.step(sample), sequence: () => model.run(x) };
  found.width = model.inputSize;
}

async function withOnnxRuntime(ort, onnx, width) {
  if (ort.env.wasm) ort.env.wasm.numThreads = 1;
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1 };
  const session = await ort.InferenceSession.create(onnx, options);
  const feeds = (seq) => {
    const x = new Float32Array(seq * width).map((_, k) => Math.sin(k));
    return { [session.inputNames[0]]: new ort.Tensor('float32', x, [1, seq, width]) };
  };
  const step = feeds(1);
  const sequence = feeds(100);
  return { step: () => session.run(step), sequence: () => session.run(sequence) };
}

/** The least time of each call in microseconds, over rounds in turns; a browser's clock is coarse. */
export async function timed(calls, rounds = 40, share = 1) {
  const best = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, { step, sequence }] of Object.entries(calls)) {
      best[name] ??= { step: Infinity, sequence: Infinity };
      best[name].step = Math.min(best[name].step, await mean(step, 300 * share));
      best[name].sequence = Math.min(best[name].sequence, await mean(sequence, 5 * share));
    }
  }
  return best;
}

async function mean(call, count) {
  const start = performance.now();
  for (let k = 0; k < count; k++) await call();
  return ((performance.now() - start) * 1000) / count;
}
