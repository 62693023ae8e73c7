import { describe, expect, it } from 'vitest'
import { evaluateNode } from '../../src/model/evaluate.ts'
import { createEvaluator } from '../../src/model/evaluator.ts'
import {
  type ByteFloatType,
  isByteFloat,
  narrowTypes,
  narrowValue,
  roundedTo,
} from '../../src/model/narrow.ts'
import { readOnnx } from '../../src/model/onnx/read.ts'
import { standardBudget } from '../../src/model/operators/operator.ts'

const byteFloats = narrowTypes.filter(isByteFloat)

describe('floats of 8 bits', () => {
  it('have the values of their formats', () => {
    const values = (type: ByteFloatType, codes: readonly number[]) =>
      codes.map((code) => narrowValue(type, code))
    expect(values('float8e4m3fn', [0x7e, 0x01, 0x38, 0xb9, 0x7f])).toEqual([
      448,
      2 ** -9,
      1,
      -1.125,
      Number.NaN,
    ])
    expect(values('float8e4m3fnuz', [0x7f, 0x01, 0x40, 0x80])).toEqual([240, 2 ** -10, 1, Number.NaN])
    expect(values('float8e5m2', [0x7b, 0x01, 0x3c, 0x7c, 0xfc, 0x7d, 0x80])).toEqual([
      57344,
      2 ** -16,
      1,
      Infinity,
      -Infinity,
      Number.NaN,
      -0,
    ])
    expect(values('float8e5m2fnuz', [0x7f, 0x01, 0x40, 0x80])).toEqual([57344, 2 ** -17, 1, Number.NaN])
  })

  it.each(byteFloats)('%s: reals become the nearest value, half to even', (type) => {
    const round = (value: number) => roundedTo(type, value, false)
    const finite = Array.from({ length: 128 }, (_, code) => narrowValue(type, code)).filter(Number.isFinite)
    for (const [i, value] of finite.entries()) {
      expect(round(value)).toBe(value)
      const next = finite[i + 1]
      if (next === undefined) continue
      const middle = (value + next) / 2
      expect(Math.abs(round(-(middle - next / 2 ** 20)))).toBe(value)
      expect(round(middle)).toBe(i % 2 === 0 ? value : next)
      expect(round(middle + next / 2 ** 20)).toBe(next)
    }
    const most = finite.at(-1)!
    expect(roundedTo(type, 4 * most, true)).toBe(most)
    expect(roundedTo(type, -Infinity, true)).toBe(-most)
    expect(round(4 * most)).toBe(type === 'float8e5m2' ? Infinity : Number.NaN)
    expect(Object.is(round(-0), type.endsWith('uz') ? 0 : -0)).toBe(true)
  })
})

describe('model files of codes', () => {
  const bytes = (...parts: (readonly number[])[]) => Uint8Array.from(parts.flat())
  const field = (number: number, contents: readonly number[]) => [
    number * 8 + 2,
    contents.length,
    ...contents,
  ]
  const text = (number: number, value: string) => field(number, [...Buffer.from(value)])
  const opset = [...field(8, [16, 21])]
  const declared = (name: string, type: number, size: number) => [
    ...text(1, name),
    ...field(2, field(1, [8, type, ...field(2, field(1, [8, size]))])),
  ]
  /** y of a type = operator(x, w): x of float32, w a constant of that type with these fields. */
  const file = (operator: string, w: readonly number[], type: number, size: number) =>
    bytes(
      opset,
      field(7, [
        ...field(1, [...text(1, 'x'), ...text(1, 'w'), ...text(2, 'y'), ...text(4, operator)]),
        ...field(5, [8, size, 16, type, ...text(8, 'w'), ...w]),
        ...field(11, declared('x', 1, size)),
        ...field(12, declared('y', type, size)),
      ]),
    )
  const run = (model: Uint8Array, x: readonly number[]) => {
    const tensor = { type: 'float32', shape: [x.length], data: Float32Array.from(x) } as const
    return createEvaluator(readOnnx(model, 'narrow.onnx', '.'))
      .run(new Map([['x', tensor]]))
      .get('y')!
  }

  it('of integers of 4 bits have two in a byte', () => {
    const cast = (w: readonly number[], type: number) => run(file('CastLike', w, type, 3), [3.7, -2, -8])
    expect([...cast(field(9, [0x21, 0x03]), 22).data]).toEqual([3, -2, -8])
    expect(cast(field(5, [0x21, 0x03]), 22).type).toBe('int4')
    expect(() => cast(field(9, [0x21]), 22)).toThrow('needs 2')
    expect(() => cast(field(9, [0x21, 0x03, 0x04]), 21)).toThrow('needs 2')
  })

  it('of floats of 8 bits are rounded to them', () => {
    const y = run(file('CastLike', field(9, [0x38, 0x38, 0x38]), 17, 3), [0.3, 1e6, -2])
    expect(y.type).toBe('float8e4m3fn')
    expect([...y.data]).toEqual([0.3125, 448, -2])
  })

  it('are not computed with', () => {
    expect(() => run(file('Add', field(9, [0x21, 0x03]), 22, 3), [1, 2, 3])).toThrow('both need one type')
    const codes = { type: 'int4', shape: [1], data: Int8Array.of(7) } as const
    for (const operator of ['Add', 'MatMul', 'Clip', 'Relu']) {
      const inputs = ['c', 'c'].slice(0, operator === 'Clip' || operator === 'Relu' ? 1 : 2)
      const node = {
        name: 'n',
        operator,
        domain: '',
        version: 21,
        inputs,
        outputs: ['y'],
        attributes: new Map(),
      }
      expect(() => evaluateNode(node, () => codes, standardBudget())).toThrow('int4')
    }
  })
})
