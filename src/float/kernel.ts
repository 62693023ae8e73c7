/**
 * The innermost loop of a float matrix product, as a WebAssembly module of one function that is assembled here:
 * tile(a, b, c, k) sets c[4][8] to the sum over k of a[k][4] * b[k][8], all float32, addresses in bytes, k at least 1.
 * Eight vector sums stay in registers; each step loads two vectors of b and spreads four values of a over them.
 */
export interface TileKernel {
  /** Makes the memory at least this large. Views of it made before are void afterwards. */
  reserve(bytes: number): void
  memory(): Float32Array
  tile(a: number, b: number, c: number, k: number): void
}

export const tileRows = 4
export const tileColumns = 8

const pageBytes = 65536

/** What of WebAssembly is used here; the type library of Node has no values for it. */
interface Assembly {
  readonly Memory: new (size: {
    initial: number
  }) => { readonly buffer: ArrayBuffer; grow(pages: number): number }
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: Record<string, unknown> }
}
const assembly = (globalThis as unknown as { WebAssembly: Assembly }).WebAssembly

export function createTileKernel(): TileKernel {
  const memory = new assembly.Memory({ initial: 1 })
  const instance = new assembly.Instance(new assembly.Module(assemble()), { m: { m: memory } })
  let view = new Float32Array(memory.buffer)
  return {
    reserve(bytes) {
      const missing = Math.ceil((bytes - memory.buffer.byteLength) / pageBytes)
      if (missing <= 0) return
      memory.grow(missing)
      view = new Float32Array(memory.buffer)
    },
    memory: () => view,
    tile: instance.exports['tile'] as TileKernel['tile'],
  }
}

// Opcodes of the WebAssembly core specification, 2.0.
const localGet = (index: number) => [0x20, index]
const localSet = (index: number) => [0x21, index]
const localTee = (index: number) => [0x22, index]
const constant = (value: number) => [0x41, value]
const i32Add = [0x6a]
const i32Subtract = [0x6b]
const load = (offset: number) => [0xfd, 0x00, 4, offset]
const loadSpread = (offset: number) => [0xfd, 0x09, 2, offset]
const store = (offset: number) => [0xfd, 0x0b, 4, offset]
const f32x4Add = [0xfd, 0xe4, 0x01]
const f32x4Multiply = [0xfd, 0xe6, 0x01]
const loop = [0x03, 0x40]
const branchIf = (depth: number) => [0x0d, depth]
const end = [0x0b]

function assemble(): Uint8Array<ArrayBuffer> {
  const [a, b, c, k] = [0, 1, 2, 3]
  const sum = (row: number, half: number) => 4 + 2 * row + half
  const vector = (half: number) => 12 + half
  const spread = 14
  const rows = [0, 1, 2, 3]
  const halves = [0, 1]
  const advance = (pointer: number, bytes: number) => [
    ...localGet(pointer),
    ...constant(bytes),
    ...i32Add,
    ...localSet(pointer),
  ]
  const multiplyAdd = (row: number, half: number) => [
    ...localGet(sum(row, half)),
    ...localGet(spread),
    ...localGet(vector(half)),
    ...f32x4Multiply,
    ...f32x4Add,
    ...localSet(sum(row, half)),
  ]
  const body = [
    ...[1, 11, 0x7b], // eleven locals of type v128
    ...loop,
    ...halves.flatMap((half) => [...localGet(b), ...load(16 * half), ...localSet(vector(half))]),
    ...rows.flatMap((row) => [
      ...[...localGet(a), ...loadSpread(4 * row), ...localSet(spread)],
      ...halves.flatMap((half) => multiplyAdd(row, half)),
    ]),
    ...advance(a, 16),
    ...advance(b, 32),
    ...[...localGet(k), ...constant(1), ...i32Subtract, ...localTee(k), ...branchIf(0)],
    ...end,
    ...rows.flatMap((row) =>
      halves.flatMap((half) => [...localGet(c), ...localGet(sum(row, half)), ...store(32 * row + 16 * half)]),
    ),
    ...end,
  ]
  const name = (text: string) => [text.length, ...Buffer.from(text)]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 0]), // one type: four i32 to nothing
    ...section(2, [1, ...name('m'), ...name('m'), 2, 0, 1]), // the memory is imported
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('tile'), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ])
}

function section(id: number, contents: readonly number[]): number[] {
  return [id, ...unsigned(contents.length), ...contents]
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >> 7)]
}
