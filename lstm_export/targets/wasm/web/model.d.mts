/** Made by lstm-export. README.md shows how to call it. */

export class ModelError extends Error {}
/** The module cannot be had, or is none that this file can call. */
export class LoadError extends ModelError {}
/** What was passed in cannot be used; nothing has changed. */
export class InputError extends ModelError {}
/** The memory of WebAssembly cannot grow so far. */
export class MemoryError extends ModelError {}

export interface Options {
  /** Whether to take the module with vectors; by default where the engine has them. */
  simd?: boolean;
  /** Told of inputs outside the range of training; null for silence, console.warn by default. */
  warn?: ((message: string) => void) | null;
}

export interface Column {
  readonly name: string;
  readonly unit: string;
  readonly low: number | null;
  readonly high: number | null;
}

export type Numbers = Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array
  | Uint16Array | Int32Array | Uint32Array | readonly number[];

export interface SelfTest {
  readonly passed: boolean;
  /** Sequences that were run. */
  readonly vectors: number;
  /** The largest error, as a share of what is allowed. */
  readonly worst: number;
  /** Whether nothing but equality is allowed, as in whole numbers. */
  readonly exact: boolean;
}

export interface State {
  readonly sha256: string;
  readonly window: number;
  readonly filled: number;
  readonly values: readonly number[];
}

export interface Stream {
  /** Samples so far with a value outside the range of training. */
  readonly outOfRangeCount: number;
  step(sample: Numbers): Float32Array;
  push(chunk: Numbers): Float32Array;
  reset(): void;
  state(): State;
  restore(state: State): void;
}

export interface Model {
  readonly inputSize: number;
  readonly outputSize: number;
  /** Empty where the names are unknown. */
  readonly features: readonly Column[];
  readonly outputs: readonly Column[];
  /** Steps of the windows seen in training; null where unknown. */
  readonly window: number | null;
  /** Whether a sequence has an answer a step. */
  readonly everyStep: boolean;
  /** Whether there are streams that keep the model's state. */
  readonly streams: boolean;
  readonly simd: boolean;
  readonly sha256: string;
  readonly description: string;
  run(x: Numbers, sizes?: { batch?: number; seq?: number }): Float32Array;
  stream(options?: { window?: number }): Stream;
  selfTest(): SelfTest;
}

export function load(
  source?: string | URL | Response | BufferSource | WebAssembly.Module,
  options?: Options,
): Promise<Model>;
export function loadSync(source?: BufferSource | WebAssembly.Module, options?: Options): Model;
