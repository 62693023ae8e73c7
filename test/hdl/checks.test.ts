import { describe, expect, it } from 'vitest'
import { checkCircuit } from '../../src/hdl/checks.ts'
import { defineModule, type ModuleBuilder } from '../../src/hdl/module.ts'
import { printVerilog } from '../../src/hdl/verilog.ts'

const build = (body: (m: ModuleBuilder) => void) => () => defineModule('faulty', 'Has a mistake.', body)

describe('mistakes are refused where they are made', () => {
  it.each<[name: string, body: (m: ModuleBuilder) => void, message: string]>([
    [
      'unequal widths',
      (m) => m.c.add(m.input('partial', 32), m.c.label(m.c.not(m.input('x', 16)), 'product')),
      'module faulty: "add" needs operands of one width, but "partial" has 32 bits and "product" has 16 bits',
    ],
    [
      'unequal choices',
      (m) => m.c.mux(m.input('s', 1), m.input('a', 2), m.c.constant(5, 3)),
      'module faulty: "mux" needs choices of one width, but "a" has 2 bits and the constant 5 has 3 bits',
    ],
    [
      'a wide select',
      (m) => m.c.mux(m.input('s', 2), m.input('a', 2), m.c.constant(1, 2)),
      'the select of a mux needs 1 bit, but "s" has 2 bits',
    ],
    [
      'a slice beyond the end',
      (m) => m.c.slice(m.input('a', 8), 8, 1),
      'bits 8..1 are taken of "a", which has 8 bits',
    ],
    [
      'a narrowing extension',
      (m) => m.c.signExtend(m.input('a', 8), 4),
      '"signExtend" to 4 bits cannot hold "a", which has 8 bits',
    ],
    [
      'two drivers of a wire',
      (m) => {
        const wire = m.wire('w', 4)
        wire.drive(m.input('a', 4))
        wire.drive(m.input('b', 4))
      },
      'the wire "w" is driven twice, by "a" has 4 bits and "b" has 4 bits',
    ],
    [
      'a wire of another width',
      (m) => m.wire('w', 4).drive(m.input('a', 5)),
      'the wire "w" has 4 bits, but its driver "a" has 5 bits',
    ],
    ['no driver', (m) => m.output('y', m.wire('w', 4).value), 'the wire "w" is never driven'],
    [
      'a register without a next value',
      (m) => m.output('y', m.register('r', 4).q),
      'the register "r" is never given a next value',
    ],
    [
      'two next values',
      (m) => {
        const r = m.register('r', 4)
        r.next(r.q)
        r.next(m.input('a', 4))
      },
      'the register "r" is given a next value twice: "r" has 4 bits and "a" has 4 bits',
    ],
    [
      'a wide enable',
      (m) => m.register('r', 4).next(m.input('a', 4), m.input('e', 2)),
      'the enable of the register "r" needs 1 bit, but "e" has 2 bits',
    ],
    [
      'one name for two',
      (m) => {
        m.input('x', 1)
        m.register('x', 1)
      },
      'the register "x" has the name of the input "x"',
    ],
    ['a reserved word', (m) => m.input('output', 1), 'the input name "output" is a reserved word of Verilog'],
    ['no name', (m) => m.c.label(m.input('a', 1), '2nd'), 'the label name "2nd" is no Verilog name'],
    [
      'the name of the clock',
      (m) => m.input('clk', 1),
      'the input "clk" has the name of the implicit port "clk"',
    ],
    [
      'a missing input',
      (m) => m.instance(child(), 'u_child', { a: m.input('a', 4) }),
      'the instance "u_child" of child is not given its input "b"',
    ],
    [
      'an unknown input',
      (m) => m.instance(child(), 'u_child', { a: m.input('a', 4), b: m.input('b', 4), c: m.input('c', 4) }),
      '"u_child" is given "c", which is no input of child',
    ],
    [
      'an input of another width',
      (m) => m.instance(child(), 'u_child', { a: m.input('a', 4), b: m.input('b', 5) }),
      'the input "b" of the instance "u_child" of child has 4 bits, but "b" has 5 bits',
    ],
    [
      'a wide address',
      (m) => m.memory('ram', { width: 8, depth: 10 }).read('word', m.input('a', 5)),
      'the memory "ram" of 10 words needs an address of 4 bits, but "a" has 5 bits',
    ],
    [
      'an image that does not fit',
      (m) => m.memory('rom', { width: 2, depth: 2, init: { file: 'r.hex', words: [1, 4] } }),
      'word 1 of the image of the memory "rom" is 4, which 2 bits cannot hold',
    ],
    [
      'a memory that nothing fills',
      (m) => m.memory('ram', { width: 8, depth: 2 }).read('word', m.input('a', 1)),
      'the memory "ram" is never written and has no image',
    ],
  ])('%s', (_name, body, message) => {
    expect(build(body)).toThrow(message)
  })

  it('a node of another module', () => {
    let stranger: unknown
    defineModule('other', '', (m) => (stranger = m.input('x', 1)))
    expect(build((m) => m.output('y', stranger as never))).toThrow(
      'module faulty: "x" is a node of module other',
    )
  })
})

function child() {
  return defineModule('child', 'Adds one input; passes the other.', (m) => {
    m.output('sum', m.c.add(m.input('a', 4), m.c.constant(1, 4)))
    m.output('same', m.input('b', 4))
  })
}

describe('checks of the hierarchy', () => {
  it('find a combinational loop and name its way', () => {
    const looped = defineModule('looped', '', (m) => {
      const wire = m.wire('around', 4)
      const sum = m.c.label(m.c.add(wire.value, m.input('a', 4)), 'total')
      wire.drive(m.c.not(sum))
      m.output('y', sum)
    })
    expect(() => checkCircuit(looped)).toThrow(
      'module looped: combinational loop: "total" -> "around" -> "total"',
    )
  })

  it('find a loop through an instance, and none where the outputs do not depend on each other', () => {
    const through = (port: 'a' | 'b') =>
      defineModule('through', '', (m) => {
        const wire = m.wire('back', 4)
        const given =
          port === 'a' ? { a: wire.value, b: m.input('x', 4) } : { a: m.input('x', 4), b: wire.value }
        const { sum, same } = m.instance(child(), 'u_child', given)
        wire.drive(sum!)
        m.output('y', same!)
      })
    expect(() => checkCircuit(through('a'))).toThrow(
      'combinational loop: "u_child_sum" (output "sum" of child "u_child")',
    )
    expect(checkCircuit(through('b')).map(({ name }) => name)).toEqual(['child', 'through'])
  })

  it('take equal modules of one name for one, and refuse different ones', () => {
    const pair = (constants: readonly number[]) =>
      defineModule('pair', '', (m) => {
        const x = m.input('x', 4)
        constants.forEach((constant, i) => {
          const adder = defineModule('adder', '', (a) =>
            a.output('y', a.c.add(a.input('x', 4), a.c.constant(constant, 4))),
          )
          m.output(`y_${i}`, m.instance(adder, `u_${i}`, { x })['y']!)
        })
      })
    expect([...printVerilog(pair([3, 3]), []).keys()]).toEqual(['adder.v', 'pair.v'])
    expect(() => checkCircuit(pair([3, 4]))).toThrow(
      'below pair there are two different modules named "adder"',
    )
  })

  it('are quick for a carry chain of 20,000 bits and an array of 4,096 instances', () => {
    const chain = defineModule('chain', '', (m) => {
      const c = m.c
      const [a, b] = [m.input('a', 1), m.input('b', 1)]
      let carry = a
      for (let i = 0; i < 20_000; i++) carry = c.or(c.and(carry, b), c.xor(c.not(carry), a))
      m.output('y', carry)
    })
    const cell = defineModule('slot', '', (m) => {
      const r = m.register('r', 8)
      r.next(m.c.add(m.input('x', 8), r.q))
      m.output('y', r.q)
    })
    const array = defineModule('array', '', (m) => {
      let x = m.input('x', 8)
      for (let i = 0; i < 4096; i++) x = m.instance(cell, `u_${i}`, { x })['y']!
      m.output('y', x)
    })
    const start = performance.now()
    expect(printVerilog(chain, []).size + printVerilog(array, []).size).toBe(3)
    expect(performance.now() - start).toBeLessThan(10_000)
  })
})
