// Times modules in Node: node wasm_steps.mjs FOLDER [MODEL.onnx]; see wasm_steps.py.

import { pathToFileURL } from 'node:url';

const [folder, onnx] = process.argv.slice(2);
const { load } = await import(pathToFileURL(`${folder}/model.mjs`));
const candidates = {};
for (const [name, simd] of [['vectors', true], ['plain', false]]) {
  const model = await load(undefined, { simd });
  const stream = model.stream({ window: 0 });
  const x = new Float32Array(100 * model.inputSize).map((_, k) => Math.sin(k));
  const sample = x.slice(0, model.inputSize);
  candidates[`ours, ${name}`] = {
    step: () => stream.step(sample),
    sequence: () => model.run(x),
  };
}
for (const name of onnx ? ['onnxruntime-web', 'onnxruntime-node'] : []) {
  const ort = await import(name).then((module) => module.default ?? module);
  if (ort.env.wasm) ort.env.wasm.numThreads = 1;
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1 };
  const session = await ort.InferenceSession.create(onnx, options);
  const feed = (seq) => {
    const x = new Float32Array(seq * 10).map((_, k) => Math.sin(k));
    return { [session.inputNames[0]]: new ort.Tensor('float32', x, [1, seq, 10]) };
  };
  const [one, many] = [feed(1), feed(100)];
  candidates[name] = { step: () => session.run(one), sequence: () => session.run(many) };
}
const best = {};
for (let round = 0; round < 40; round++) { // in turns; the minimum is what noise adds to
  for (const [name, calls] of Object.entries(candidates)) {
    for (const [what, call] of Object.entries(calls)) {
      const count = what === 'step' ? 200 : 5;
      const start = performance.now();
      for (let k = 0; k < count; k++) await call();
      const us = ((performance.now() - start) * 1000) / count;
      best[name] ??= {};
      best[name][what] = Math.min(best[name][what] ?? Infinity, us);
    }
  }
}
console.log(JSON.stringify({ node: process.version, best }));
