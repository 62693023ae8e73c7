import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bits, numbers } from '../../src/comb/numbers.ts'
import { defineModule, type Module } from '../../src/hdl/module.ts'
import { compileCircuit } from '../../src/hdl/simulator.ts'
import { follow, recipes } from './expressions.ts'

const widest = 90

describe('netlist in JavaScript', () => {
  it('computes what the same text computes on numbers', () => {
    fc.assert(
      fc.property(
        recipes(widest),
        fc.array(fc.bigInt({ min: 0n, max: (1n << 90n) - 1n }), { minLength: 4, maxLength: 4 }),
        (recipe, data) => {
          const expected = follow(
            numbers,
            recipe,
            recipe.inputs.map((width, i) => bits(data[i]!, width)),
            widest,
          )
          const module = defineModule('expressions', 'Random expressions.', (m) => {
            const inputs = recipe.inputs.map((width, i) => m.input(`in_${i}`, width))
            for (const [i, value] of follow(m.c, recipe, inputs, widest).entries())
              m.output(`out_${i}`, value)
          })
          const circuit = compileCircuit(module)
          for (const i of recipe.inputs.keys()) circuit.set(`in_${i}`, data[i]!)
          expect(expected.map((_, i) => circuit.get(`out_${i}`))).toEqual(
            expected.map((value) => value.value),
          )
        },
      ),
      { numRuns: 400 },
    )
  })

  it('divides a large function without changing it', () => {
    const large = (rounds: number) =>
      defineModule(`rounds_${rounds}`, 'A long chain of mixed values, each used twice.', (m) => {
        const c = m.c
        let [a, b] = [m.input('a', 24), m.input('b', 24)]
        for (let i = 0; i < rounds; i++)
          [a, b] = [c.add(a, c.xor(b, c.constant(i * 77, 24))), c.sub(c.xor(a, b), c.constant(i, 24))]
        const q = m.register('q', 24)
        q.next(a)
        m.output('now', a)
        m.output('last', q.q)
        m.output('wide', c.cat(a, b))
      })
    const circuit = compileCircuit(large(3000))
    let [a, b] = [123456, 654321]
    circuit.set('a', a)
    circuit.set('b', b)
    for (let i = 0; i < 3000; i++) [a, b] = [(a + (b ^ (i * 77))) & 0xffffff, ((a ^ b) - i) & 0xffffff]
    circuit.step()
    expect(circuit.get('now')).toBe(a)
    expect(circuit.get('last')).toBe(a)
    expect(circuit.get('wide')).toBe((BigInt(a) << 24n) | BigInt(b))
  })
})

/** Adds its input to a total where `add` is 1. */
function accumulator(width: number): Module {
  return defineModule(`accumulator_${width}`, 'Adds up.', (m) => {
    const [x, add] = [m.input('x', width), m.input('add', 1)]
    const total = m.register('total', width, { reset: 5 })
    const next = m.c.add(total.q, x)
    total.next(next, add)
    m.output('sum', total.q)
    m.output('coming', next)
    m.output('through', x)
  })
}

describe('state', () => {
  it.each([8, 70])('shows what instances with registers of %i bits see at each edge', (width) => {
    const top = defineModule('pair', 'Two in a chain.', (m) => {
      const [x, add] = [m.input('x', width), m.input('add', 1)]
      const first = m.instance(accumulator(width), 'u_first', { x, add })
      m.output('sum', m.instance(accumulator(width), 'u_second', { x: first['sum']!, add })['sum']!)
    })
    const seen: Record<string, unknown[]> = { u_first: [], u_second: [] }
    const watch = (path: string) => ({
      path,
      onEdge: (inputs: readonly (number | bigint)[]) => void seen[path]!.push(inputs.map(Number)),
    })
    const circuit = compileCircuit(top, { watches: [watch('u_second'), watch('u_first')] })
    const steps = [
      [7, 1, 0],
      [9, 1, 1],
      [4, 0, 1],
      [3, 1, 1],
    ] as const // prettier-ignore
    for (const [x, add, reset] of steps) {
      circuit.set('x', x)
      circuit.set('add', add)
      circuit.set('rst_n', reset)
      circuit.step()
    }
    expect(seen['u_first']).toEqual(steps)
    expect(seen['u_second']).toEqual([
      [0, 1, 0],
      [5, 1, 1],
      [14, 0, 1],
      [14, 1, 1],
    ]) // prettier-ignore
    expect(() => compileCircuit(top, { watches: [watch('u_third')] })).toThrow('no instance "u_third"')
  })

  it.each([8, 32, 70])('keeps, loads and resets registers of %i bits in instances', (width) => {
    const top = defineModule('pair', 'Two in a chain.', (m) => {
      const [x, add] = [m.input('x', width), m.input('add', 1)]
      const first = m.instance(accumulator(width), 'u_first', { x, add })
      const second = m.instance(accumulator(width), 'u_second', { x: first['sum']!, add })
      m.output('first', first['through']!)
      m.output('coming', second['coming']!)
      m.output('sum', second['sum']!)
    })
    const circuit = compileCircuit(top)
    const [first, second] = [circuit.reader('u_first.total'), circuit.reader('u_second.total')]
    const modulus = 1n << BigInt(width)
    const steps: [x: bigint, add: number, reset: number][] = [
      [0n, 0, 0],
      [7n, 1, 1],
      [modulus - 2n, 1, 1],
      [9n, 0, 1],
      [modulus - 9n, 1, 1],
      [3n, 1, 0],
      [1n, 1, 1],
    ]
    let [a, b] = [0n, 0n]
    for (const [x, add, reset] of steps) {
      circuit.set('x', x)
      circuit.set('add', add)
      circuit.set('rst_n', reset)
      expect(BigInt(circuit.get('first'))).toBe(x)
      expect(BigInt(circuit.get('coming'))).toBe((b + a) % modulus)
      circuit.step()
      if (reset === 0) [a, b] = [5n, 5n]
      else if (add === 1) [a, b] = [(a + x) % modulus, (b + a) % modulus]
      expect([BigInt(first()), BigInt(second()), BigInt(circuit.get('sum'))]).toEqual([a, b, b])
    }
  })

  it.each([8, 32, 40])(
    'reads the old word of a memory of %i bits that is written in the same cycle',
    (width) => {
      const words = [1, 2, 2 ** Math.min(width, 32) - 1]
      const top = defineModule('store', 'A memory.', (m) => {
        const ram = m.memory('ram', { width, depth: 5, init: { file: 'ram.hex', words } })
        const address = m.input('address', 3)
        m.output('held', ram.read('word', address, m.input('read', 1)))
        m.output('read_word', ram.read('again', address, m.c.constant(1, 1)))
        ram.write(m.input('write', 1), address, m.input('data', width))
      })
      const circuit = compileCircuit(top)
      const held = circuit.reader('word')
      const cycle = (address: number, read: number, write: number, data: number) => {
        for (const [name, value] of Object.entries({ address, read, write, data })) circuit.set(name, value)
        circuit.step()
        return [held(), circuit.get('read_word')].map(Number)
      }
      expect(cycle(2, 1, 1, 200)).toEqual([words[2], words[2]])
      expect(cycle(2, 0, 0, 0)).toEqual([words[2], 200])
      expect(cycle(4, 1, 1, 9)).toEqual([0, 0])
      expect(cycle(4, 1, 0, 9)).toEqual([9, 9])
      expect(Number(circuit.get('held'))).toBe(9)
    },
  )

  it('settles values that go through an instance and come back into it', () => {
    const swap = defineModule('swap', 'Crosses two values.', (m) => {
      const [a, b] = [m.input('a', 4), m.input('b', 4)]
      m.output('x', m.c.not(b))
      m.output('y', m.c.add(a, m.c.constant(1, 4)))
    })
    const top = defineModule('twice', 'No loop: y depends on a alone.', (m) => {
      const back = m.wire('back', 4)
      const { x, y } = m.instance(swap, 'u_swap', { a: m.input('a', 4), b: back.value })
      back.drive(y!)
      m.output('x', x!)
    })
    const circuit = compileCircuit(top)
    circuit.set('a', 6)
    expect(circuit.get('x')).toBe(8)
  })

  it('names what it does not have', () => {
    const circuit = compileCircuit(accumulator(8))
    expect(() => circuit.set('adds', 1)).toThrow('accumulator_8 has no input "adds". Did you mean "add"?')
    expect(() => circuit.reader('totl')).toThrow('has no register "totl". Did you mean "total"?')
    expect(() => circuit.reader('u_x.total')).toThrow('has no instance "u_x"')
  })
})
