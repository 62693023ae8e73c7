import { XgenError } from '../base/errors.ts'
import type { Domain } from './domain.ts'
import type { Multiplier } from './multiplier.ts'
import { families, parseMultiplier } from './registry.ts'

/**
 * The designs of a domain that the table of characterised multipliers has: each family over the parameters that are worth a look, from nearly exact to a few per cent of
 * error; the exact architectures; and, as `trunc`, the exact multipliers of narrower operands that every approximation has to beat. n is the width of the wider
 * operand: parameters grow with it. What a domain is too narrow for is left out.
 */
export function tabulatedDesigns(domain: Domain): readonly Multiplier[] {
  const n = Math.max(domain.nA, domain.nB)
  const supported = new Set(families.filter((family) => family.supports(domain)).map(({ id }) => id))
  const specs = Object.entries(choices(n))
    .filter(([family]) => supported.has(family))
    .flatMap(([family, chosen]) => chosen.map((values) => (values === '' ? family : `${family}:${values}`)))
  const found = new Map<string, Multiplier>()
  for (const spec of specs) {
    const multiplier = possible(spec, domain)
    if (multiplier !== undefined) found.set(multiplier.id, multiplier)
  }
  return [...found.values()]
}

/** The multiplier of a spec; undefined where its family refuses these parameters in this domain. */
function possible(spec: string, domain: Domain): Multiplier | undefined {
  try {
    return parseMultiplier(spec, domain)
  } catch (error) {
    if (error instanceof XgenError && error.kind === 'usage') return undefined
    throw error
  }
}

const range = (low: number, high: number) =>
  Array.from({ length: Math.max(0, high - low + 1) }, (_, i) => low + i)
const pairs = (a: readonly number[], b: readonly number[]) => a.flatMap((x) => b.map((y) => [x, y] as const))

function choices(n: number): Readonly<Record<string, readonly string[]>> {
  const half = Math.floor(n / 2)
  const wide = n > 8
  const segments = wide ? [half, half + 2] : range(half, n - 1)
  const narrower = [
    ...(wide ? [2, 4, 6] : range(1, half)).flatMap((k) => [`ka=${k},kb=0`, `ka=${k},kb=${k}`]),
    ...pairs(wide ? [4, 8] : [1, 2, 3, 4], wide ? [4, 6] : [2, 4]).map(([ka, kb]) => `ka=${ka},kb=${kb}`),
    ...(wide ? [] : [`ka=${n - 2},kb=0`]),
  ]
  return {
    exact: [
      '',
      'arch=array',
      ...pairs([0, 1, 2], [0, 1]).map(
        ([tree, adder]) =>
          `arch=booth4,tree=${['dadda', 'wallace', 'arrival'][tree]},adder=${['prefix', 'ripple'][adder]}`,
      ),
      'arch=array,tree=dadda,adder=prefix',
      'arch=array,tree=linear,adder=ripple',
    ],
    trunc: narrower.flatMap((values) =>
      ['', ',arch=array', ',arch=booth4'].map((arch) => `${values}${arch}`),
    ),
    roup: [
      ...pairs(wide ? [0, 2, 3] : [0, 1, 2], wide ? [0, 4, 8] : [0, 1, 2, 3, 4])
        .filter(([p, r]) => p + r > 0)
        .map(([p, r]) => `p=${p},r=${r}`),
      ...pairs(wide ? [0, 2] : [0, 1, 2], wide ? [half, half + 4] : range(half - 1, n - 1))
        .filter(([p, r]) => r > 2 * p + 1)
        .map(([p, r]) => `p=${p},r=${r},rounding=asymmetric`),
    ],
    rad: (wide ? [6, 8, 10] : [4, 6, 8]).map((k) => `k=${k}`),
    perforate: pairs(wide ? [0] : [0, 1, 2], [1, 2, 3]).map(([j, k]) => `j=${j},k=${k}`),
    bam: pairs(wide ? [0, 4] : [0, 1, 2, 3], wide ? [4, 8, 12] : range(1, 9))
      .filter(([h, v]) => v > 2 * h - 1)
      .map(([h, v]) => `h=${h},v=${v}`),
    udm: [''],
    drum: (wide ? [4, 6, 8] : range(3, 7)).map((k) => `k=${k}`),
    ssm: segments.map((m) => `m=${m}`),
    essm: segments.map((m) => `m=${m}`),
    dsm: (wide ? [4, 6, 8] : range(3, 7)).map((m) => `m=${m}`),
    mitchell: [''],
    'alm-soa': (wide ? [3, 6, 9] : [1, 2, 3, 4, 5]).map((w) => `w=${w}`),
    mbm: [''],
    roba: [''],
    tosam: [
      [0, 2],
      [0, 3],
      [1, 3],
      [1, 5],
      [2, 5],
      [2, 6],
      [3, 7],
    ].map(([h, t]) => `h=${h},t=${t}`),
    compressor: pairs([1, 2], wide ? [half, n] : [4, 6, 8, 16]).flatMap(([design, columns]) => [
      `design=${design},columns=${columns}`,
      ...(columns >= n ? [`design=${design},columns=${columns},zeroGate=yes`] : []),
    ]),
    etm: (wide ? [half] : range(half - 1, half + 1)).map((s) => `s=${s}`),
    r4abm1: (wide ? [half, n] : range(1, half).map((p) => 2 * p)).map((p) => `p=${p}`),
  }
}
