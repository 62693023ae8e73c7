import fc from 'fast-check'
import { expect, test } from 'vitest'
import { byteCodes, inputCode, quantiseBytes, quantiseReals } from '../../src/quant/input.ts'
import { oracleInputCode } from '../oracles/quantise.ts'

const tensors = [2, 3, 4, 5, 6, 7, 8].flatMap((bits) =>
  [true, false].map((signed) => {
    const top = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1
    return { bits, signed, scale: 1 / top, top }
  }),
)

test('every byte has the code of exact arithmetic, for every type', () => {
  for (const { top, ...tensor } of tensors)
    expect([...byteCodes(tensor)]).toEqual(
      Array.from({ length: 256 }, (_, byte) => oracleInputCode(byte, top)),
    )
})

test('a pixel and its real value have the same code', () => {
  fc.assert(
    fc.property(fc.constantFrom(...tensors), fc.uint8Array({ maxLength: 20 }), (tensor, bytes) => {
      const codes = () => (tensor.signed ? new Int8Array(bytes.length) : new Uint8Array(bytes.length))
      const reals = Float64Array.from(bytes, (byte) => byte / 255)
      expect(quantiseReals(tensor, reals, codes())).toEqual(quantiseBytes(tensor, bytes, codes()))
    }),
  )
})

test('real values beyond the range are clamped', () => {
  const code = inputCode({ bits: 4, signed: true, scale: 0.125 })
  expect([-9, -1, -0.9375, 0.0625, 0.875, 9].map(code)).toEqual([-8, -8, -7, 1, 7, 7])
  expect([-1, 9].map(inputCode({ bits: 4, signed: false, scale: 0.125 }))).toEqual([0, 15])
})
