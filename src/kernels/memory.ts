import { readFileSync } from 'node:fs'
import { XgenError } from '../base/errors.ts'

/** What of WebAssembly is used here; the type library of Node has no values for it. */
interface Assembly {
  readonly Memory: new (size: { initial: number; maximum: number; shared: boolean }) => SharedMemory
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: Record<string, unknown> }
}

/** A memory that threads share. It grows, and never moves: views of it stay valid. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer
  grow(pages: number): number
}

const assembly = (globalThis as unknown as { WebAssembly: Assembly }).WebAssembly

const pageBytes = 65536
/** 2 GiB of addresses; what is not used takes no memory. Stands in the module too (scripts/kernels.ts). */
const mostPages = 32768
/** Every block begins at a multiple of this, and has this much behind it: kernels read and write whole vectors. */
const unit = 64

export const memory: SharedMemory = new assembly.Memory({ initial: 1, maximum: mostPages, shared: true })

let compiled: object | undefined

/** The kernels as a compiled module, which other threads take as it is. */
export function kernelModule(): object {
  compiled ??= new assembly.Module(readFileSync(new URL('./kernels.wasm', import.meta.url)))
  return compiled
}

/** This thread's instance. */
export function instantiate(module: object): Record<string, unknown> {
  return new assembly.Instance(module, { env: { memory } }).exports
}

/** Free blocks by address: sorted, never touching one another. Address 0 is nobody's: it means "none" in a job. */
const free: { at: number; bytes: number }[] = [{ at: unit, bytes: pageBytes - unit }]

/** A block of at least so many bytes, of any contents. Refused where memory ends, with what to do. */
export function allocate(bytes: number): number {
  const size = (Math.ceil(bytes / unit) + 1) * unit
  const block = free.find((one) => one.bytes >= size) ?? grow(size)
  const { at } = block
  if (block.bytes === size) free.splice(free.indexOf(block), 1)
  else {
    block.at += size
    block.bytes -= size
  }
  return at
}

/** Gives a block back; `bytes` as it was asked for. */
export function release(at: number, bytes: number): void {
  insert(at, (Math.ceil(bytes / unit) + 1) * unit)
}

function insert(at: number, bytes: number): void {
  let index = free.findIndex((one) => one.at > at)
  if (index < 0) index = free.length
  free.splice(index, 0, { at, bytes })
  join(index)
  if (index > 0) join(index - 1)
}

/** Joins a free block with the next one, where they touch. */
function join(index: number): void {
  const [block, next] = [free[index]!, free[index + 1]]
  if (next === undefined || block.at + block.bytes !== next.at) return
  block.bytes += next.bytes
  free.splice(index + 1, 1)
}

/** Makes the memory larger, so that its last free block has this size at least. */
function grow(size: number): { at: number; bytes: number } {
  const end = memory.buffer.byteLength
  const last = free.at(-1)
  const there = last !== undefined && last.at + last.bytes === end ? last.bytes : 0
  const pages = Math.ceil((size - there) / pageBytes)
  if (end / pageBytes + pages > mostPages) throw tooLarge()
  try {
    memory.grow(pages)
  } catch {
    throw tooLarge()
  }
  insert(end, pages * pageBytes)
  return free.at(-1)!
}

const tooLarge = () =>
  new XgenError('usage', 'the emulator needs more than 2 GiB for this network', {
    hint: 'Use fewer threads (--jobs) or fewer images at a time.',
  })

/** The memory as bytes, from an address on. Valid as long as the block is not released. */
export const bytesAt = (at: number, length: number): Uint8Array => new Uint8Array(memory.buffer, at, length)
export const wordsAt = (at: number, length: number): Int32Array => new Int32Array(memory.buffer, at, length)
export const ushortsAt = (at: number, length: number): Uint16Array =>
  new Uint16Array(memory.buffer, at, length)
export const shortsAt = (at: number, length: number): Int16Array => new Int16Array(memory.buffer, at, length)
export const floatsAt = (at: number, length: number): Float32Array =>
  new Float32Array(memory.buffer, at, length)

const blocks = new FinalizationRegistry<readonly [at: number, bytes: number]>(([at, bytes]) =>
  release(at, bytes),
)

/** A block that is given back when its holder is collected. Keep the holder as long as the address is used. */
export function hold(holder: object, bytes: number): number {
  const at = allocate(bytes)
  blocks.register(holder, [at, bytes])
  return at
}
