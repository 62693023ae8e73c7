import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { encodeNpy } from '../../src/base/npy.ts'
import { readNpz } from '../../src/base/npz.ts'
import { readSafetensors, writeSafetensors } from '../../src/base/safetensors.ts'
import { openZip, writeZip } from '../../src/base/zip.ts'
import type { Network } from '../../src/net/network.ts'
import {
  checkWeights,
  hashWeights,
  initialWeights,
  readWeights,
  serialiseWeights,
} from '../../src/net/weights.ts'
import { lenet5 } from '../../src/net/zoo/lenet5.ts'
import { failure } from '../fixtures/failure.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-weights-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const network: Network = {
  name: 'small',
  input: { shape: [1, 3, 3] },
  layers: [
    {
      kind: 'conv2d',
      name: 'conv1',
      filters: 2,
      kernel: [2, 2],
      stride: [1, 1],
      padding: [0, 0, 0, 0],
      groups: 1,
    },
  ],
}
const tensors = () => [
  { name: 'conv1.weight', shape: [2, 1, 2, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
  { name: 'conv1.bias', shape: [2], data: Float32Array.of(0.5, -0.5) },
]
/** The files of an archive, unpacked. */
const readZip = (bytes: Uint8Array) => openZip(bytes, 'w').map(({ unpack }) => unpack())
describe('safetensors', () => {
  test('what is written is read back', () => {
    const bytes = writeSafetensors(tensors(), { made: 'by a test' })
    expect(readSafetensors(bytes, 'w')).toEqual(tensors())
    expect(bytes.length % 8).toBe(0)
  })

  test('F16, BF16 and F64 become float32', () => {
    const header = JSON.stringify({
      a: { dtype: 'F16', shape: [2], data_offsets: [0, 4] },
      b: { dtype: 'BF16', shape: [1], data_offsets: [4, 6] },
      c: { dtype: 'F64', shape: [1], data_offsets: [6, 14] },
    })
    const bytes = new Uint8Array(8 + header.length + 14)
    const view = new DataView(bytes.buffer)
    view.setBigUint64(0, BigInt(header.length), true)
    bytes.set(new TextEncoder().encode(header), 8)
    view.setUint16(8 + header.length, 0x3c00, true)
    view.setUint16(10 + header.length, 0xc500, true)
    view.setUint16(12 + header.length, 0x3fc0, true)
    view.setFloat64(14 + header.length, 0.25, true)
    expect(readSafetensors(bytes, 'w').map(({ data }) => [...data])).toEqual([[1, -5], [1.5], [0.25]])
  })

  test('every truncation and every damaged byte is an error or a tensor, never a crash', () => {
    const bytes = writeSafetensors(tensors())
    fc.assert(
      fc.property(
        fc.nat(bytes.length - 1),
        fc.integer({ min: 0, max: 255 }),
        fc.nat(bytes.length - 1),
        (at, value, length) => {
          const damaged = bytes.slice()
          damaged[at] = value
          for (const hostile of [damaged, bytes.slice(0, length)]) {
            try {
              readSafetensors(hostile, 'w')
            } catch (error) {
              expect(error).toBeInstanceOf(XgenError)
              expect((error as XgenError).kind).toBe('data')
            }
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('a header that promises more than memory holds is refused before it is allocated', () => {
    const header = JSON.stringify({ a: { dtype: 'F32', shape: [2 ** 20, 2 ** 20], data_offsets: [0, 4] } })
    const bytes = new Uint8Array(12 + header.length)
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true)
    bytes.set(new TextEncoder().encode(header), 8)
    expect(failure(() => readSafetensors(bytes, 'w'))).toMatchObject({
      kind: 'data',
      message: expect.stringContaining('at most'),
    })
  })

  test.each([
    ['overlapping tensors', [0, 8], [4, 12], 12, 'the tensors "a" and "b" lie over each other'],
    ['the same bytes twice', [0, 8], [0, 8], 8, 'the tensors "b" and "a" lie over each other'],
    ['gaps', [0, 8], [12, 20], 20, 'the 4 bytes before tensor "b" belong to no tensor'],
    ['bytes of no tensor', [0, 8], [8, 16], 20, 'the last 4 bytes belong to no tensor'],
  ])('%s are refused', (_name, a, b, size, message) => {
    const bytes = safetensors(
      {
        b: { dtype: 'F32', shape: [2], data_offsets: b },
        a: { dtype: 'F32', shape: [2], data_offsets: a },
      },
      size,
    )
    expect(failure(() => readSafetensors(bytes, 'w'))).toMatchObject({
      kind: 'data',
      message: expect.stringContaining(message),
    })
  })

  test('many tensors over one another are refused by what they hold together, before any is decoded', () => {
    const size = 2 ** 20
    const header = Object.fromEntries(
      Array.from({ length: 600 }, (_, i) => [
        `t${i}`,
        { dtype: 'F16', shape: [size / 2], data_offsets: [0, size] },
      ]),
    )
    const before = process.memoryUsage().arrayBuffers
    expect(failure(() => readSafetensors(safetensors(header, size), 'w')).message).toContain(
      `holds more than ${2 ** 28} elements up to tensor "t512"`,
    )
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 26)
  })
})

describe('npz', () => {
  test('stored and deflated arrays', () => {
    const archive = writeZip(
      tensors().map(({ name, shape, data }) => ({
        name: `${name}.npy`,
        contents: encodeNpy({ type: 'f4', shape, data }),
      })),
    )
    expect(readNpz(archive, 'w.npz')).toEqual(tensors())
    expect(
      readZip(deflated('x.txt', Buffer.from('hello hello hello'))).map((contents) =>
        Buffer.from(contents).toString(),
      ),
    ).toEqual(['hello hello hello'])
  })

  test('truncated archives are errors', () => {
    const archive = writeZip([
      { name: 'a.npy', contents: encodeNpy({ type: 'f4', shape: [2], data: Float32Array.of(1, 2) }) },
    ])
    for (let length = 0; length < archive.length; length++)
      expect(failure(() => readNpz(archive.slice(0, length), 'w')).kind).toBe('data')
  })

  const three = (size: number) => ({
    archive: writeZip(['a', 'b', 'c'].map((name) => ({ name, contents: Buffer.alloc(size) }))),
    size,
  })

  test('the stated sizes of all files together are bounded before any is unpacked', () => {
    const { archive } = three(100)
    const bytes = Buffer.from(archive)
    for (const at of directoryEntries(bytes)) bytes.writeUInt32LE(2 ** 29, at + 24)
    expect(failure(() => readZip(bytes))).toMatchObject({
      kind: 'data',
      message: expect.stringContaining(`at most ${2 ** 30} are read`),
    })
  })

  test('files that lie over each other, or come twice, are refused', () => {
    const overlapping = Buffer.from(three(100).archive)
    const entries = directoryEntries(overlapping)
    for (const at of entries) overlapping.writeUInt32LE(0, at + 42)
    expect(failure(() => readZip(overlapping)).message).toContain('"a" and "b" lie over each other')
    const twice = Buffer.from(three(100).archive)
    twice.write('a', directoryEntries(twice)[2]! + 46)
    expect(failure(() => readZip(twice)).message).toContain('it holds "a" twice')
    const outside = Buffer.from(three(100).archive)
    outside.writeUInt32LE(200, directoryEntries(outside)[2]! + 20)
    expect(failure(() => readZip(outside)).message).toContain('"c" lies outside of it')
  })

  test('a file of a wrong size is refused when it is unpacked', () => {
    const archive = Buffer.from(deflated('x.txt', Buffer.alloc(5000)))
    for (const size of [4999, 5001]) {
      archive.writeUInt32LE(size, directoryEntries(archive)[0]! + 24)
      expect(failure(() => readZip(archive)).kind).toBe('data')
    }
  })
})

describe('weight files', () => {
  const file = (name: string, bytes: Uint8Array) => {
    const path = join(directory, name)
    writeFileSync(path, bytes)
    return path
  }
  const npy = (shape: number[]) =>
    encodeNpy({ type: 'f4', shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) })

  test('are read by their ending', () => {
    const expected = checkWeights(tensors(), network, 'w')
    const archive = writeZip(
      tensors().map(({ name, shape, data }) => ({
        name: `${name}.npy`,
        contents: encodeNpy({ type: 'f4', shape, data }),
      })),
    )
    expect(readWeights(file('w.safetensors', writeSafetensors(tensors())), network)).toEqual(expected)
    expect(readWeights(file('w.npz', archive), network)).toEqual(expected)
    expect(failure(() => readWeights(file('w.bin', archive), network)).kind).toBe('usage')
  })

  test('a surplus tensor is refused by its name: nothing is unpacked', () => {
    const packed = Buffer.from(deflated('surplus.npy', Buffer.alloc(1000)))
    packed.fill(0xff, 30 + 'surplus.npy'.length, directoryEntries(packed)[0])
    const error = failure(() => readWeights(file('surplus.npz', packed), network))
    expect(error.message).toContain('has no tensor "conv1.weight" of shape [2, 1, 2, 2]')
  })

  test('a tensor larger than the network needs is refused before it is unpacked', () => {
    const archive = writeZip([
      { name: 'conv1.weight.npy', contents: npy([2, 1, 300, 300]) },
      { name: 'conv1.bias.npy', contents: npy([2]) },
    ])
    expect(failure(() => readWeights(file('large.npz', archive), network)).message).toContain(
      'more than its shape [2, 1, 2, 2] needs',
    )
    const stored = [
      { name: 'conv1.weight', shape: [2, 1, 300, 300], data: new Float32Array(180000) },
      tensors()[1]!,
    ]
    expect(
      failure(() => readWeights(file('large.safetensors', writeSafetensors(stored)), network)).message,
    ).toContain('has the shape [2, 1, 300, 300]; expected is [2, 1, 2, 2]')
  })

  test('an array of another shape in a .npz file is refused', () => {
    const archive = writeZip([
      { name: 'conv1.weight.npy', contents: npy([8]) },
      { name: 'conv1.bias.npy', contents: npy([2]) },
    ])
    expect(failure(() => readWeights(file('shape.npz', archive), network)).message).toContain(
      'tensor "conv1.weight" has the shape [8]; expected is [2, 1, 2, 2]',
    )
  })
})

describe('weights of a network', () => {
  test('a file round trip keeps the values and their hash', () => {
    const weights = initialWeights(lenet5, 1)
    const again = checkWeights(readSafetensors(serialiseWeights(weights, lenet5), 'w'), lenet5, 'w')
    expect(again).toEqual(weights)
    expect(hashWeights(again, lenet5)).toBe(hashWeights(weights, lenet5))
    expect(hashWeights(initialWeights(lenet5, 2), lenet5)).not.toBe(hashWeights(weights, lenet5))
  })

  test.each([
    [
      'a wrong shape',
      () => tensors().map((t) => (t.name === 'conv1.weight' ? { ...t, shape: [2, 2, 2, 1] } : t)),
      'tensor "conv1.weight" has the shape [2, 2, 2, 1]; expected is [2, 1, 2, 2]',
    ],
    ['a missing tensor', () => tensors().slice(0, 1), 'has no tensor "conv1.bias" of shape [2]'],
    [
      'a surplus tensor',
      () => [...tensors(), { name: 'conv2.bias', shape: [1], data: new Float32Array(1) }],
      'holds a tensor "conv2.bias" that the network "small" has no place for. Did you mean "conv1.bias"?',
    ],
    [
      'NaN',
      () => tensors().map((t) => ({ ...t, data: t.data.map((v, i) => (i === 1 ? Number.NaN : v)) })),
      'tensor "conv1.weight" holds NaN at element 1',
    ],
    [
      'infinity',
      () => tensors().map((t) => ({ ...t, data: t.data.map(() => Infinity) })),
      'tensor "conv1.weight" holds Infinity at element 0',
    ],
  ])('%s is refused', (_name, given, message) => {
    expect(failure(() => checkWeights(given(), network, 'w'))).toMatchObject({
      kind: 'data',
      message: expect.stringContaining(message),
    })
  })
})

/** A .safetensors file of this header and so many zero bytes. */
function safetensors(header: unknown, size: number): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header))
  const bytes = new Uint8Array(8 + text.length + size)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true)
  bytes.set(text, 8)
  return bytes
}

/** Offsets of the entries of an archive's directory. */
function directoryEntries(archive: Buffer): number[] {
  const found: number[] = []
  const signature = Buffer.from([0x50, 0x4b, 1, 2])
  for (let at = archive.indexOf(signature); at >= 0; at = archive.indexOf(signature, at + 1)) found.push(at)
  return found
}

/** A ZIP archive of one deflated file, made from a stored one by changing its method and sizes. */
function deflated(name: string, contents: Buffer): Uint8Array {
  const packed = deflateRawSync(contents)
  const stored = Buffer.from(writeZip([{ name, contents: packed }]))
  const directory = stored.indexOf(Buffer.from([0x50, 0x4b, 1, 2]))
  stored.writeUInt16LE(8, 8)
  stored.writeUInt16LE(8, directory + 10)
  stored.writeUInt32LE(contents.length, directory + 24)
  return stored
}
