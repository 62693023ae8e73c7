import { setImmediate } from 'node:timers/promises'
import { verilatedProducts } from '../../testbench/products.ts'
import { multiplierCore } from '../arch/multiplier-core.ts'
import { allPairs, operandValue, productsOf } from '../arith/batch.ts'
import { type Domain, domainName, operandRange } from '../arith/domain.ts'
import type { Multiplier } from '../arith/multiplier.ts'
import { usageError, XgenError } from '../base/errors.ts'
import type { Progress } from '../base/progress.ts'
import { seededRandom } from '../base/random.ts'
import { fromLanes, toLanes } from '../comb/lanes.ts'
import { compileCircuit } from '../hdl/simulator.ts'
import { dataDirectory } from '../net/data/store.ts'
import { bitParallel } from '../synth/bit-parallel.ts'
import { circuitGraph } from '../synth/circuit-graph.ts'
import type { GateNetlist } from '../synth/gate-netlist.ts'
import { gateVerilog } from '../synth/gate-verilog.ts'
import { type OpenLibrary, openLibrary } from '../synth/libraries.ts'
import { type Circuit, circuitOf, mapCircuit } from '../synth/mapping.ts'
import { openYosys, type Yosys } from '../tools/yosys.ts'
import { multiplierOf } from './user-multipliers.ts'

export interface ProofOptions {
  readonly library: string
  readonly sat: boolean
  readonly seed: number
  /** Pairs drawn above 8x8 bits. */
  readonly pairs: number
  readonly signal: AbortSignal
  readonly progress: Progress
}

/** One level against the numbers. */
export interface ProofLevel {
  readonly name: string
  /** Pairs compared; 0 where it did not run. */
  readonly compared: number
  readonly mismatches: number
  /** The first pair that differs. */
  readonly first: {
    readonly a: number
    readonly b: number
    readonly expected: number
    readonly got: number
  } | null
  readonly notRun: string | null
}

export interface Proof {
  readonly spec: string
  readonly domain: string
  readonly method: string
  readonly levels: readonly ProofLevel[]
  /** No level that ran differs. */
  readonly pass: boolean
  /** Every level ran. */
  readonly complete: boolean
}

/** Pairs of operand codes, with the products that the definition gives on numbers. */
export interface Pairs {
  readonly a: Uint16Array
  readonly b: Uint16Array
  readonly products: ArrayLike<number>
}

/**
 * Proves that four forms of a multiplier are one: the definition on numbers, the netlist in JavaScript, the Verilog in Verilator, and the
 * netlist of cells that Yosys makes of the Verilog. All pairs up to 8x8 bits; above, corners and seeded pairs. `sat` has Yosys prove the
 * last step (Verilog = cells) for all operands besides.
 */
export async function proveMultiplier(spec: string, domain: Domain, options: ProofOptions): Promise<Proof> {
  const { progress, signal, seed } = options
  const multiplier = multiplierOf(spec, domain)
  const exhaustive = domain.nA <= 8 && domain.nB <= 8
  const pairs = pairsOf(multiplier, exhaustive, options)
  const core = multiplierCore(multiplier)
  const circuit = circuitOf(core)
  const levels: ProofLevel[] = []
  const step = async (name: string, run: () => Promise<ProofLevel>) => {
    progress.step(name)
    levels.push(await run())
    progress.done(levels.at(-1)!.notRun ?? `${levels.at(-1)!.mismatches} differ`)
    await setImmediate()
    signal.throwIfAborted()
  }

  await step('netlist in JavaScript', async () => {
    const simulator = compileCircuit(core)
    return compared('netlist in JavaScript', multiplier, pairs, (i) => {
      simulator.set('a', pairs.a[i]!)
      simulator.set('b', pairs.b[i]!)
      return BigInt(simulator.get('p'))
    })
  })
  await step('Verilog in Verilator', async () => {
    const name = 'Verilog in Verilator'
    try {
      const products = await verilatedProducts(circuit.top, circuit.verilog, pairs.a, pairs.b, signal)
      return compared(name, multiplier, pairs, (i) => products[i]!)
    } catch (error) {
      if (error instanceof XgenError && error.kind === 'tool-missing') return notRun(name, error.message)
      throw error
    }
  })
  const library = await openLibrary(options.library, { data: dataDirectory(), signal })
  const yosys = openYosys()
  const { netlist } = await mapCircuit(circuit, library, { script: 'delay', yosys, signal })
  await step(`cells of ${library.name}`, async () => {
    const products = cellProducts(netlist, pairs)
    return compared(`cells of ${library.name}`, multiplier, pairs, (i) => products(i))
  })
  if (options.sat) {
    await step('SAT: Verilog = cells', async () => {
      await proveBySat(yosys, circuit, netlist, library, signal)
      const every = 2 ** (domain.nA + domain.nB)
      return { name: 'SAT: Verilog = cells', compared: every, mismatches: 0, first: null, notRun: null }
    })
  }
  return {
    spec: multiplier.spec,
    domain: domainName(domain),
    method: exhaustive ? 'all pairs' : `corners and seeded pairs, seed ${seed}`,
    levels,
    pass: levels.every(({ mismatches }) => mismatches === 0),
    complete: levels.every((level) => level.notRun === null),
  }
}

const notRun = (name: string, why: string): ProofLevel => ({
  name,
  compared: 0,
  mismatches: 0,
  first: null,
  notRun: `not run: ${why}`,
})

function pairsOf(multiplier: Multiplier, exhaustive: boolean, { pairs, seed }: ProofOptions): Pairs {
  const { domain } = multiplier
  if (exhaustive) return { ...allPairs(domain), products: multiplier.table() }
  if (!Number.isSafeInteger(pairs) || pairs < 1 || pairs > 2 ** 24)
    throw usageError('a whole number from 1 to 16777216 is needed', { where: '--pairs' })
  const corners = cornerCodes(domain.nA, domain.signedA).flatMap((x) =>
    cornerCodes(domain.nB, domain.signedB).map((y) => [x, y] as const),
  )
  const random = seededRandom(seed)
  const length = corners.length + pairs
  const [a, b] = [new Uint16Array(length), new Uint16Array(length)]
  for (let i = 0; i < length; i++) {
    const [x, y] = corners[i] ?? [
      random.integer(0, 2 ** domain.nA - 1),
      random.integer(0, 2 ** domain.nB - 1),
    ]
    a[i] = x
    b[i] = y
  }
  return { a, b, products: productsOf(multiplier, a, b) }
}

/** 0, the ends of the range, and all powers of two with their neighbours, as codes. */
function cornerCodes(bits: number, signed: boolean): readonly number[] {
  const mask = 2 ** bits - 1
  const powers = Array.from({ length: bits }, (_, i) => 2 ** i).flatMap((p) => [p - 1, p, p + 1, -p])
  return [...new Set([...operandRange(bits, signed), ...powers].map((value) => value & mask))]
}

/** Counts the pairs whose product (a code) is not that of the numbers. */
export function compared(
  name: string,
  m: Multiplier,
  pairs: Pairs,
  product: (i: number) => bigint,
): ProofLevel {
  const { nA, signedA, nB, signedB } = m.domain
  let mismatches = 0
  let first: ProofLevel['first'] = null
  for (let i = 0; i < pairs.a.length; i++) {
    const got = product(i)
    if (got === BigInt.asUintN(m.productBits, BigInt(pairs.products[i]!))) continue
    mismatches++
    first ??= {
      a: operandValue(pairs.a[i]!, nA, signedA),
      b: operandValue(pairs.b[i]!, nB, signedB),
      expected: pairs.products[i]!,
      got: Number(m.productSigned ? BigInt.asIntN(m.productBits, got) : got),
    }
  }
  return { name, compared: pairs.a.length, mismatches, first, notRun: null }
}

/** What the cells compute for the pairs, 32 side by side. */
function cellProducts(netlist: GateNetlist, { a, b }: Pairs): (i: number) => bigint {
  const words = Math.ceil(a.length / 32)
  const bitsOf = (port: string) => netlist.inputs.find(({ name }) => name === port)!.nets.length
  const { p } = bitParallel(
    circuitGraph(netlist),
    words,
  )({
    a: toLanes(a, 0, a.length, bitsOf('a'), words),
    b: toLanes(b, 0, b.length, bitsOf('b'), words),
  })
  const part = (from: number, to: number) => {
    const out = new Float64Array(a.length)
    if (to > from) fromLanes(p!.slice(from, to), false, out, 0, a.length)
    return out
  }
  const [low, high] = [part(0, Math.min(32, p!.length)), part(32, p!.length)]
  return (i) => BigInt(high[i]!) * 2n ** 32n + BigInt(low[i]!)
}

/** Has Yosys prove by SAT that the cells are the Verilog; a difference is a failure of the tool, with its counterexample in the log. */
export async function proveBySat(
  yosys: Yosys,
  { top, verilog }: Circuit,
  netlist: GateNetlist,
  library: OpenLibrary,
  signal: AbortSignal,
): Promise<void> {
  const cells = gateVerilog({ ...netlist, top: 'cells' })
  await yosys({
    script: [
      `read_verilog ${[...verilog.keys()].join(' ')}`,
      `hierarchy -check -top ${top}`,
      'proc',
      'flatten',
      'opt_clean',
      `rename ${top} gold`,
      'read_liberty -ignore_miss_func library.lib',
      'read_verilog cells.v',
      'flatten cells',
      'miter -equiv -make_assert gold cells miter',
      'flatten miter',
      'tee -o proof.txt sat -verify -prove-asserts -show-inputs miter',
    ].join('; '),
    files: new Map([...verilog, ['cells.v', cells], ['library.lib', await library.text()]]),
    output: 'proof.txt',
    signal,
  })
}
