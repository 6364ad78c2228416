//! A recurrent model in WebAssembly, made by lstm-export. README.md shows how to call it.
// Exports hold model.min.mjs, which scripts/minify_glue.sh makes of this file.

// Names as text: a bundler renames classes.
export class ModelError extends Error { name = 'ModelError'; }
export class LoadError extends ModelError { name = 'LoadError'; }
export class InputError extends ModelError { name = 'InputError'; } // nothing has changed
export class MemoryError extends ModelError { name = 'MemoryError'; }

const FLOATS = 1; // formats of a record; modules of both are called alike
const WHOLE = 2;
const SIMD = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10,
  10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11); // a module of one vector instruction

/** `source`: nothing (what lies beside this file), a URL, a Response, bytes, a WebAssembly.Module. */
export async function load(source, options = {}) {
  let found = source ?? beside(options);
  if (typeof found === 'string' || found.href) found = await fetched(String(found));
  if (found.arrayBuffer) {
    if (found.ok === false) throw new LoadError(`${found.url} answers ${found.status}`);
    found = await found.arrayBuffer();
  }
  return loadSync(isModule(found) ? found : await WebAssembly.compile(found).catch(refuse), options);
}

/** The same at once, from bytes, a WebAssembly.Module or what is embedded: for an AudioWorklet. */
export function loadSync(source, options = {}) {
  try {
    const found = source ?? beside(options);
    const module = isModule(found) ? found : new WebAssembly.Module(found);
    return new Model(new Machine(module, options));
  } catch (error) {
    return refuse(error);
  }
}

const isModule = (found) => found instanceof WebAssembly.Module;

function refuse(error) {
  if (error instanceof ModelError) throw error;
  throw new LoadError(`this is no WebAssembly that runs here: ${error.message}`);
}

/** With --single-file the bytes: see embedded.mjs. */
function beside({ simd = WebAssembly.validate(SIMD) }) {
  return simd ? new URL('./model.wasm', import.meta.url)
    : new URL('./model.plain.wasm', import.meta.url);
}

async function fetched(url) {
  try {
    // Node's fetch reads no files. No import: webpack fails at one of Node's modules.
    const fs = url.startsWith('file:') && globalThis.process?.getBuiltinModule?.('fs');
    return fs ? fs.readFileSync(new URL(url)) : await fetch(url);
  } catch (error) {
    throw new LoadError(`${url} cannot be read: ${error.message}`);
  }
}

/** An instance: its record, its memory, and what of that is taken. */
class Machine {
  constructor(module, { warn = (message) => console.warn(message) }) {
    const section = (name) => WebAssembly.Module.customSections(module, name)[0];
    const text = section('lstm-export');
    if (!text) throw new LoadError('this WebAssembly was not written by lstm-export');
    let json = ''; // ASCII: a worklet has no TextDecoder
    for (const code of new Uint8Array(text)) json += String.fromCharCode(code);
    const info = JSON.parse(json);
    if (info.format !== FLOATS && info.format !== WHOLE) {
      throw new LoadError(`the module has format ${info.format}, expected ${FLOATS} or ${WHOLE}`);
    }
    this.info = info;
    this.numbers = new Float32Array(section('lstm-export.numbers'));
    this.exports = new WebAssembly.Instance(module, {}).exports;
    this.floats = new Float32Array(this.exports.memory.buffer);
    this.warn = warn ?? (() => {});
    this.free = (this.exports.__heap_base + 15) & ~15; // streams keep what lies before it
    this.width = info.signature.input_size;
    this.outputSize = info.signature.output_size;
    this.stateSize = info.layout.reduce((sum, [, layers, size]) => sum + layers * size, 0);
    this.low = []; // of each feature, where training has seen a range
    this.high = [];
    for (const { low, high } of info.signature.features) {
      this.low.push(low === null ? -Infinity : Math.fround(low));
      this.high.push(high === null ? Infinity : Math.fround(high));
    }
  }

  /** The address of so many floats, free until the next call. */
  room(count) {
    const end = this.free + 4 * count;
    const { memory } = this.exports;
    const missing = end - this.floats.byteLength;
    if (!(missing <= 0)) {
      try {
        memory.grow(Math.ceil(missing / 65536));
      } catch {
        throw new MemoryError(`this needs ${end} bytes, and the memory cannot grow from `
          + `${this.floats.byteLength}: pass fewer rows or steps at once`);
      }
      this.floats = new Float32Array(memory.buffer);
    }
    return this.free;
  }

  read(at, count) {
    return this.floats.slice(at >> 2, (at >> 2) + count);
  }

  /** x into the memory, as finite numbers. */
  write(at, x, what, count, seq) {
    checkKind(x, what);
    if (x.length !== count) {
      throw new InputError(`${what} has ${x.length} numbers, expected ${count}`);
    }
    const { floats } = this;
    for (let k = 0, to = at >> 2; k < count; k++, to++) {
      const value = x[k];
      floats[to] = typeof value === 'number' ? value : NaN;
      if (!Number.isFinite(floats[to])) this.refuse(value, what, k, seq);
    }
  }

  refuse(value, what, k, seq) {
    const step = Math.floor(k / this.width);
    const feature = k % this.width;
    const { name } = this.info.signature.features[feature] ?? {};
    throw new InputError(`${what} at row ${Math.floor(step / seq)}, step ${step % seq}, feature `
      + `${feature}${name ? ` (${name})` : ''} is ${String(value)}, expected a finite number of float32`);
  }

  answers(seq) {
    return (this.info.every_step ? seq : 1) * this.outputSize;
  }

  /** The answers to x [batch][seq][width]. */
  run(x, batch, seq, range = null) {
    const count = batch * seq * this.width;
    const scratch = this.exports.scratch_floats(batch, seq) >>> 0 || Infinity;
    const answers = batch * this.answers(seq);
    const at = this.take(x, 'x', count, seq, answers + scratch, range);
    const atY = at + 4 * count;
    this.exports.run(at, batch, seq, atY, atY + 4 * answers);
    return this.read(atY, answers);
  }

  /** x in the memory, checked, `more` floats after it. Where there is a `range`, warns of samples
   *  with a feature out of the range of training that was inside before. */
  take(x, what, count, seq, more, range) {
    const at = this.room(count + more);
    this.write(at, x, what, count, seq);
    const told = range && this.low.length ? this.watch(at, count, range) : null;
    if (!told?.size) return at;
    this.warn(this.sentence(told));
    return this.take(x, what, count, seq, more, null); // who was warned may have used the memory
  }

  /** Notes in `range` which features of the last sample are outside, and how many samples were.
   *  Returns the least and the most of each feature of the samples to warn of. */
  watch(at, count, range) {
    const { low, high, floats, width } = this;
    const told = new Map();
    const isOut = (first, f) => floats[first + f] < low[f] || floats[first + f] > high[f];
    for (let first = at >> 2; first < (at >> 2) + count; first += width) {
      let out = 0;
      let added = 0;
      for (let f = 0; f < width; f++) {
        const is = isOut(first, f);
        out += is;
        added += is && !range.isOut[f];
        if (range.keeps) range.isOut[f] = is;
      }
      range.count += out > 0;
      for (let f = 0; added && f < width; f++) {
        const value = floats[first + f];
        const [least, most] = told.get(f) ?? [value, value];
        if (isOut(first, f)) told.set(f, [Math.min(least, value), Math.max(most, value)]);
      }
    }
    return told;
  }

  sentence(told) {
    const feature = Math.min(...told.keys());
    const [least, most] = told.get(feature);
    const { name, unit, low, high } = this.info.signature.features[feature];
    const value = least < this.low[feature] ? least : most;
    const text = (number) => (number === null ? 'unknown' : Number(number.toPrecision(6)));
    const found = `${name} is ${text(value)} ${unit}`.trimEnd();
    const others = told.size - 1;
    const more = others ? `, and ${others} other feature${others > 1 ? 's' : ''} too` : '';
    return `${found}, outside the training range ${text(low)} to ${text(high)}${more}`;
  }
}

class Model {
  #machine;

  constructor(machine) {
    const { info } = machine;
    this.#machine = machine;
    this.inputSize = machine.width;
    this.outputSize = machine.outputSize;
    this.features = info.signature.features;
    this.outputs = info.outputs;
    this.window = info.signature.window;
    this.everyStep = info.every_step;
    this.streams = info.streams;
    this.simd = info.simd;
    this.sha256 = info.sha256;
    this.description = info.description;
  }

  /** x: batch * seq * inputSize numbers, row by row, step by step; the answers are as flat. */
  run(x, { batch = 1, seq = x?.length / batch / this.inputSize } = {}) {
    checkKind(x, 'x');
    if (!isCount(batch) || !isCount(seq)) {
      throw new InputError(`x has ${x.length} numbers, batch is ${batch}, seq is ${seq}; expected `
        + `batch * seq * ${this.inputSize} numbers, with batch and seq at least 1`);
    }
    checkSteps('seq', seq, this.#machine.info);
    return this.#machine.run(x, batch, seq, { isOut: [], count: 0, keeps: false });
  }

  /** Takes samples as they come; keeps the last `window` of them, or with 0 the model's state. */
  stream({ window = this.window ?? 0 } = {}) {
    if (window !== 0 && !isCount(window)) {
      throw new InputError(`window is ${window}, expected a whole number of samples, or 0`);
    }
    if (!window && !this.streams) {
      throw new InputError('the model looks ahead in its sequence: a stream needs a window');
    }
    if (window) checkSteps('window', window, this.#machine.info);
    return new Stream(this.#machine, window);
  }

  /** Runs the vectors that came with the model: is each answer within float rounding, or equal? */
  selfTest() {
    const { golden, format } = this.#machine.info;
    let at = 0;
    const next = (count) => this.#machine.numbers.subarray(at, (at += count));
    let worst = 0; // error, as a share of what is allowed
    for (const steps of golden) {
      const x = next(steps * this.inputSize);
      const [expected, bounds] = [0, 0].map(() => next(this.#machine.answers(steps)));
      this.#machine.run(x, 1, steps).forEach((y, k) => {
        const share = Math.abs(y - expected[k]) / bounds[k];
        worst = share <= worst ? worst : share; // NaN stays
      });
    }
    return { passed: worst <= 1, vectors: golden.length, worst, exact: format === WHOLE };
  }
}

class Stream {
  #machine;
  #window;
  #at = 0; // address of the state
  #samples; // of the window
  #filled; // how many of them have come
  #range; // of training: who is out of it

  constructor(machine, window) {
    this.#machine = machine;
    this.#window = window;
    machine.room(window * machine.width); // or an error, before the samples take as much
    this.#range = { isOut: [], count: 0, keeps: true };
    if (!window) {
      this.#at = machine.room(machine.stateSize + 1);
      machine.free += (4 * (machine.stateSize + 1) + 15) & ~15;
    }
    this.reset();
  }

  get outOfRangeCount() {
    return this.#range.count;
  }

  /** The answer to one sample, outputSize numbers; NaN until a window is full. */
  step(sample) {
    return this.#take(sample, 'x_t', 1);
  }

  /** Some samples at once: the answer to the last, or to each where the model answers every step. */
  push(chunk) {
    const seq = chunk?.length / this.#machine.width;
    return this.#take(chunk, 'chunk', isCount(seq) ? seq : 1);
  }

  reset() {
    const machine = this.#machine;
    this.#range.isOut = [];
    this.#filled = 0;
    this.#samples = new Float32Array(this.#window * machine.width);
    if (!this.#window) machine.exports.reset(this.#at);
  }

  /** What `restore` goes on from, here or in another stream of the model. */
  state() {
    const { info, stateSize } = this.#machine;
    const kept = this.#window ? this.#samples : this.#machine.read(this.#at, stateSize);
    const values = Array.from(kept);
    return { sha256: info.sha256, window: this.#window, filled: this.#filled, values };
  }

  restore(state) {
    const machine = this.#machine;
    const expected = this.state();
    for (const key of ['sha256', 'window']) {
      if (state?.[key] !== expected[key]) {
        throw new InputError(`the state's ${key} is ${state?.[key]}, expected ${expected[key]}`);
      }
    }
    const count = expected.values.length;
    const at = machine.room(count);
    machine.write(at, state.values, 'state', count, 1);
    this.reset();
    const values = machine.read(at, count);
    if (this.#window) this.#samples = values;
    else machine.floats.set(values, this.#at >> 2);
    this.#filled = Math.min(this.#window, state.filled >>> 0);
  }

  #take(x, what, seq) {
    const machine = this.#machine;
    const count = seq * machine.width;
    const answers = machine.answers(seq);
    const at = machine.take(x, what, count, seq, answers, this.#range);
    if (this.#window) return this.#slide(machine.read(at, count), seq);
    machine.exports.push(this.#at, at, seq, at + 4 * count);
    return machine.read(at + 4 * count, answers);
  }

  /** The answers to the windows that end with each of `values`, or with the last. */
  #slide(values, seq) {
    const { width, outputSize } = this.#machine;
    const window = this.#window;
    const samples = new Float32Array((window + seq) * width);
    samples.set(this.#samples);
    samples.set(values, window * width);
    const answers = new Float32Array(this.#machine.answers(seq)).fill(NaN);
    const skipped = seq - answers.length / outputSize; // samples without an answer
    for (let t = Math.max(skipped, window - this.#filled - 1); t < seq; t++) {
      const x = samples.subarray((t + 1) * width, (t + 1 + window) * width);
      answers.set(this.#machine.run(x, 1, window).slice(-outputSize), (t - skipped) * outputSize);
    }
    this.#samples = samples.slice(seq * width);
    this.#filled = Math.min(this.#filled + seq, window);
    return answers;
  }
}

function checkSteps(what, steps, { least_steps: least = 1 }) {
  if (steps >= least) return;
  throw new InputError(`${what} is ${steps}, expected at least ${least}: so many last steps answer`);
}

function checkKind(x, what) {
  if (!Array.isArray(x) && !(ArrayBuffer.isView(x) && 'length' in x)) {
    const got = x?.constructor?.name ?? String(x);
    throw new InputError(`${what} is ${got}, expected a Float32Array or an array of numbers`);
  }
}

function isCount(value) {
  return Number.isInteger(value) && value > 0;
}
