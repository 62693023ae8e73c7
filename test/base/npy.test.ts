import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeNpy, encodeNpy, type NpyArray } from '../../src/base/npy.ts'

const file = (header: string, data: Uint8Array, version = 1) => {
  const length = Buffer.alloc(version === 1 ? 2 : 4)
  if (version === 1) length.writeUInt16LE(header.length)
  else length.writeUInt32LE(header.length)
  return Buffer.concat([
    Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]),
    length,
    Buffer.from(header, 'latin1'),
    data,
  ])
}

describe('.npy files', () => {
  it('are read as they were written', () => {
    const arrays: NpyArray[] = [
      { type: 'i1', shape: [3], data: Int8Array.of(-1, 0, 127) },
      { type: 'u1', shape: [], data: Uint8Array.of(200) },
      { type: 'i2', shape: [1, 2], data: Int16Array.of(-300, 300) },
      { type: 'u2', shape: [2, 1], data: Uint16Array.of(1, 65535) },
      { type: 'i4', shape: [2, 2], data: Int32Array.of(1, -2, 3, -4) },
      { type: 'i8', shape: [1], data: BigInt64Array.of(-5n) },
      { type: 'f4', shape: [0, 4], data: new Float32Array(0) },
      { type: 'f8', shape: [1, 1, 1], data: Float64Array.of(Math.PI) },
    ]
    for (const array of arrays) expect(decodeNpy(encodeNpy(array), 'a.npy')).toEqual(array)
  })

  it('have the bytes that NumPy writes', () => {
    const bytes = Buffer.from(encodeNpy({ type: 'i4', shape: [256, 256], data: new Int32Array(65536) }))
    expect(bytes.length).toBe(128 + 4 * 65536)
    expect(bytes.subarray(0, 10).toString('latin1')).toBe('\x93NUMPY\x01\x00v\x00')
    expect(bytes.subarray(10, 128).toString('latin1')).toBe(
      `${"{'descr': '<i4', 'fortran_order': False, 'shape': (256, 256), }".padEnd(117)}\n`,
    )
    expect(
      Buffer.from(encodeNpy({ type: 'u1', shape: [1], data: new Uint8Array(1) })).toString('latin1'),
    ).toContain("'|u1', 'fortran_order': False, 'shape': (1,), }")
  })

  it('of version 2 and with other spacing are read', () => {
    const header = "{'shape':(2,),'fortran_order':False,'descr':'<i2'}\n"
    expect(decodeNpy(file(header, Buffer.from([1, 0, 255, 255]), 2), 'a.npy')).toEqual({
      type: 'i2',
      shape: [2],
      data: Int16Array.of(1, -1),
    })
  })

  it.each([
    ['no magic', Buffer.from('PK\x03\x04 something else'), 'is no .npy file'],
    ['another version', file('', Buffer.alloc(4), 9), 'is a .npy file of version 9'],
    ['a cut header', file("{'descr'", Buffer.alloc(0)).subarray(0, 12), 'the .npy header is cut short'],
    [
      'another byte order',
      file("{'descr': '>i4', 'fortran_order': False, 'shape': (1,)}", Buffer.alloc(4)),
      'holds elements of type ">i4"',
    ],
    [
      'complex elements',
      file("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", Buffer.alloc(8)),
      'holds elements of type "<c8"',
    ],
    [
      'a name of Object',
      file("{'descr': 'toString', 'fortran_order': False, 'shape': (1,)}", Buffer.alloc(8)),
      'holds elements of type "toString"',
    ],
    [
      'Fortran order',
      file("{'descr': '<i4', 'fortran_order': True, 'shape': (1,)}", Buffer.alloc(4)),
      'is in Fortran order',
    ],
    ['no shape', file("{'descr': '<i4', 'fortran_order': False}", Buffer.alloc(4)), 'has no shape'],
    [
      'a huge shape',
      file("{'descr': '<i4', 'fortran_order': False, 'shape': (99999999, 99999999)}", Buffer.alloc(4)),
      'elements',
    ],
    [
      'missing data',
      file("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 2)}", Buffer.alloc(12)),
      'has 12 bytes of data, but the shape (2, 2) of i4 needs 16',
    ],
    [
      'data to spare',
      file("{'descr': '<i4', 'fortran_order': False, 'shape': (1,)}", Buffer.alloc(8)),
      'has 8 bytes of data',
    ],
  ])('with %s are refused', (_what, bytes, message) => {
    expect(() => decodeNpy(bytes, 'x.npy')).toThrow(message)
    try {
      decodeNpy(bytes, 'x.npy')
    } catch (error) {
      expect(error).toMatchObject({ kind: 'data', where: 'x.npy' })
    }
  })

  it('that are noise are refused as data errors', () => {
    const whole = encodeNpy({ type: 'i4', shape: [4], data: new Int32Array(4) })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 }),
        fc.nat(whole.length),
        (changes, length) => {
          const bytes = whole.slice(0, length)
          for (const [at, byte] of changes) if (at < length) bytes[at] = byte
          try {
            const { shape, data } = decodeNpy(bytes, 'x.npy')
            expect(data.length).toBe(shape.reduce((product, n) => product * n, 1))
          } catch (error) {
            expect(error).toMatchObject({ kind: 'data' })
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
