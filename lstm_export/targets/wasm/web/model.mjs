// A recurrent model in WebAssembly, made by lstm-export. README.md shows how to call it.

export class ModelError extends Error {
  constructor(message) {
    super(message);
    this.name = this.constructor.name;
  }
}
export class LoadError extends ModelError {}
export class InputError extends ModelError {} // nothing was taken, nothing has changed
export class MemoryError extends ModelError {}

const FORMAT = 1;
const EMBEDDED = null; // with --single-file { simd, plain } in base64
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
  return loadSync(found instanceof WebAssembly.Module ? found
    : await WebAssembly.compile(found).catch(refuse), options);
}

/** The same at once, from bytes, a WebAssembly.Module or what is embedded: for an AudioWorklet. */
export function loadSync(source, options = {}) {
  try {
    const found = source ?? beside(options);
    const module = found instanceof WebAssembly.Module ? found : new WebAssembly.Module(found);
    return new Model(new Machine(module, options));
  } catch (error) {
    throw error instanceof ModelError ? error : refuse(error);
  }
}

function refuse(error) {
  throw new LoadError(`this is no WebAssembly that runs here: ${error.message}`);
}

function beside({ simd = WebAssembly.validate(SIMD) }) {
  if (EMBEDDED) return decoded(simd ? EMBEDDED.simd : EMBEDDED.plain);
  return simd ? new URL('./model.wasm', import.meta.url)
    : new URL('./model.plain.wasm', import.meta.url);
}

async function fetched(url) {
  try {
    if (!url.startsWith('file:')) return await fetch(url);
    const { readFile } = await import('node:fs/promises'); // fetch reads no files
    return await readFile(new URL(url));
  } catch (error) {
    throw new LoadError(`${url} cannot be read: ${error.message}`);
  }
}

function decoded(base64) { // a worklet has no atob
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const bytes = new Uint8Array((base64.length * 3) >> 2); // written without padding
  for (let k = 0, at = 0, bits = 0; at < bytes.length; k++) {
    bits = (bits << 6) | digits.indexOf(base64[k]);
    if (k % 4) bytes[at++] = bits >> (6 - 2 * (k % 4));
  }
  return bytes;
}

/** An instance: its record, its memory, and what of that is taken. */
class Machine {
  constructor(module, { warn = (message) => console.warn(message) }) {
    const sections = (name) => WebAssembly.Module.customSections(module, name)[0];
    const text = sections('lstm-export');
    if (!text) throw new LoadError('this WebAssembly was not written by lstm-export');
    let json = ''; // ASCII: a worklet has no TextDecoder
    for (const code of new Uint8Array(text)) json += String.fromCharCode(code);
    const info = JSON.parse(json);
    if (info.format !== FORMAT) {
      throw new LoadError(`the module has format ${info.format}, expected ${FORMAT}`);
    }
    this.info = info;
    this.numbers = new Float32Array(sections('lstm-export.numbers'));
    this.exports = new WebAssembly.Instance(module, {}).exports;
    this.warn = warn ?? (() => {});
    this.free = (this.exports.__heap_base + 15) & ~15; // streams keep what lies before it
    this.width = info.signature.input_size;
    this.stateSize = info.layout.reduce((sum, [, layers, size]) => sum + layers * size, 0);
    this.low = []; // of each feature, where training has seen a range
    this.high = [];
    for (const { low, high } of info.signature.features) {
      this.low.push(low === null ? -Infinity : Math.fround(low));
      this.high.push(high === null ? Infinity : Math.fround(high));
    }
  }

  floats(at, count) {
    return new Float32Array(this.exports.memory.buffer, at, count);
  }

  /** Addresses for so many floats each, good until the next call. */
  room(...counts) {
    let end = this.free;
    const addresses = counts.map((count) => (end += 4 * count) - 4 * count);
    const { memory } = this.exports;
    const pages = Math.ceil((end - memory.buffer.byteLength) / 65536);
    try {
      if (pages > 0) memory.grow(pages);
    } catch {
      throw new MemoryError(`this needs ${end} bytes, and the memory cannot grow from `
        + `${memory.buffer.byteLength}: pass fewer rows or steps at once`);
    }
    return addresses;
  }

  answers(seq) {
    return (this.info.every_step ? seq : 1) * this.info.signature.output_size;
  }

  run(x, batch, seq) {
    const scratch = this.exports.scratch_floats(batch, seq) >>> 0 || Infinity;
    const count = batch * this.answers(seq);
    const [atX, atY, atScratch] = this.room(x.length, count, scratch);
    this.floats(atX, x.length).set(x);
    this.exports.run(atX, batch, seq, atY, atScratch);
    return this.floats(atY, count).slice();
  }

  /** x as finite numbers in a new Float32Array. */
  checked(x, what, count, seq) {
    checkKind(x, what);
    if (x.length !== count) {
      throw new InputError(`${what} has ${x.length} numbers, expected ${count}`);
    }
    const values = new Float32Array(count);
    for (let k = 0; k < count; k++) {
      values[k] = typeof x[k] === 'number' ? x[k] : NaN;
      if (values[k] - values[k] !== 0) this.refuse(x[k], what, k, seq); // NaN, infinite
    }
    return values;
  }

  refuse(value, what, k, seq) {
    const step = Math.floor(k / this.width);
    const feature = k % this.width;
    const { name } = this.info.signature.features[feature] ?? {};
    throw new InputError(`${what} at row ${Math.floor(step / seq)}, step ${step % seq}, feature `
      + `${feature}${name ? ` (${name})` : ''} is ${String(value)}, expected a finite number of float32`);
  }

  /** Notes in `outside` which features are out of the range of training, and warns of samples
   *  where one was inside before; without `outside` of all. Returns how many samples are out. */
  watch(x, outside = null) {
    if (!this.low.length) return 0;
    let count = 0;
    const left = new Map(); // feature -> the lowest and the highest of what there is to warn of
    for (let at = 0; at < x.length; at += this.width) {
      const now = this.low.map((low, f) => x[at + f] < low || x[at + f] > this.high[f]);
      count += now.includes(true);
      if (now.some((is, f) => is && !outside?.[f])) {
        now.forEach((is, f) => {
          const [lowest, highest] = left.get(f) ?? [x[at + f], x[at + f]];
          if (is) left.set(f, [Math.min(lowest, x[at + f]), Math.max(highest, x[at + f])]);
        });
      }
      if (outside) now.forEach((is, f) => { outside[f] = is; });
    }
    if (left.size) this.warn(this.sentence(left));
    return count;
  }

  sentence(left) {
    const feature = Math.min(...left.keys());
    const [lowest, highest] = left.get(feature);
    const { name, unit, low, high } = this.info.signature.features[feature];
    const value = lowest < this.low[feature] ? lowest : highest;
    const text = (number) => (number === null ? 'unknown' : Number(number.toPrecision(6)));
    const found = `${name} is ${text(value)} ${unit}`.trimEnd();
    const others = left.size - 1;
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
    this.outputSize = info.signature.output_size;
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
    const values = this.#machine.checked(x, 'x', batch * seq * this.inputSize, seq);
    this.#machine.watch(values);
    return this.#machine.run(values, batch, seq);
  }

  /** Takes samples as they come; keeps the last `window` of them, or with 0 the model's state. */
  stream({ window = this.window ?? 0 } = {}) {
    if (window !== 0 && !isCount(window)) {
      throw new InputError(`window is ${window}, expected a whole number of samples, or 0`);
    }
    if (!window && !this.streams) {
      throw new InputError('the model reads a sequence from both ends: a stream needs a window');
    }
    return new Stream(this.#machine, window);
  }

  /** Runs the vectors that came with the model: is each answer within float rounding? */
  selfTest() {
    let at = 0;
    const next = (count) => this.#machine.numbers.subarray(at, (at += count));
    let worst = 0; // error, as a share of what is allowed
    for (const steps of this.#machine.info.golden) {
      const x = next(steps * this.inputSize);
      const [expected, bounds] = [0, 0].map(() => next(this.#machine.answers(steps)));
      this.#machine.run(x, 1, steps).forEach((y, k) => {
        const share = Math.abs(y - expected[k]) / bounds[k];
        worst = share <= worst ? worst : share; // NaN stays
      });
    }
    return { passed: worst <= 1, vectors: this.#machine.info.golden.length, worst };
  }
}

class Stream {
  #machine;
  #window;
  #at; // address of the state
  #samples; // of the window
  #filled; // how many of them have come
  #outside = [];

  constructor(machine, window) {
    this.#machine = machine;
    this.#window = window;
    this.outOfRangeCount = 0;
    if (!window) {
      [this.#at] = machine.room(machine.stateSize + 1);
      machine.free += (4 * (machine.stateSize + 1) + 15) & ~15;
    }
    this.reset();
  }

  /** The answer to one sample, outputSize numbers; NaN until a window is full. */
  step(sample) {
    return this.#take(sample, 'x_t', 1).slice(-this.#machine.info.signature.output_size);
  }

  /** Some samples at once: the answer to the last, or to each where the model answers every step. */
  push(chunk) {
    const seq = chunk?.length / this.#machine.width;
    return this.#take(chunk, 'chunk', isCount(seq) ? seq : 1);
  }

  reset() {
    this.#outside = [];
    this.#filled = 0;
    this.#samples = new Float32Array(this.#window * this.#machine.width);
    if (!this.#window) this.#machine.exports.reset(this.#at);
  }

  /** What `restore` goes on from, here or in another stream of the model. */
  state() {
    const { sha256 } = this.#machine.info;
    const kept = this.#window ? this.#samples : this.#values();
    return { sha256, window: this.#window, filled: this.#filled, values: Array.from(kept) };
  }

  restore(state) {
    const expected = this.state();
    for (const key of ['sha256', 'window']) {
      if (state?.[key] !== expected[key]) {
        throw new InputError(`the state's ${key} is ${state?.[key]}, expected ${expected[key]}`);
      }
    }
    const values = this.#machine.checked(state.values, 'state', expected.values.length, 1);
    this.reset();
    (this.#window ? this.#samples : this.#values()).set(values);
    this.#filled = Math.min(this.#window, state.filled >>> 0);
  }

  #values() {
    return this.#machine.floats(this.#at, this.#machine.stateSize);
  }

  #take(x, what, seq) {
    const machine = this.#machine;
    const values = machine.checked(x, what, seq * machine.width, seq);
    const [atX, atY] = machine.room(values.length, machine.answers(seq));
    this.outOfRangeCount += machine.watch(values, this.#outside);
    if (this.#window) return this.#slide(values, seq);
    machine.floats(atX, values.length).set(values);
    machine.exports.push(this.#at, atX, seq, atY);
    return machine.floats(atY, machine.answers(seq)).slice();
  }

  #slide(values, seq) {
    const machine = this.#machine;
    const size = machine.info.signature.output_size;
    const answers = new Float32Array(machine.answers(seq)).fill(NaN);
    for (let t = 0; t < seq; t++) {
      this.#samples.copyWithin(0, machine.width);
      this.#samples.set(values.subarray(t * machine.width, (t + 1) * machine.width),
        this.#samples.length - machine.width);
      this.#filled = Math.min(this.#filled + 1, this.#window);
      const isAsked = answers.length > size || t === seq - 1;
      if (isAsked && this.#filled === this.#window) {
        const y = machine.run(this.#samples, 1, this.#window).slice(-size);
        answers.set(y, answers.length > size ? t * size : 0);
      }
    }
    return answers;
  }
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
