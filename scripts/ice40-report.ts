import { z } from 'zod'
import { XgenError } from '../src/base/errors.ts'

/** What a design takes of an iCE40 HX8K, and how fast it is there. */
export interface Ice40Report {
  readonly design: string
  readonly top: string
  readonly device: string
  /** Mapped cells. */
  readonly luts: number
  readonly carries: number
  readonly flipFlops: number
  /** Placed, of those that the device has. A logic cell holds a LUT, a carry and a flip-flop. */
  readonly logicCells: Share
  /** Block RAMs of 4,096 bits. */
  readonly blockRams: Share
  readonly pins: number
  /** nextpnr's estimate of the slowest path from register to register, and icetime's of the whole design. */
  readonly megahertz: { readonly nextpnr: number; readonly icetime: number }
  /** Of the bitstream's file. */
  readonly bitstreamBytes: number
  /** Cycles of one inference, and how many a second there are at nextpnr's clock; absent for a part of an accelerator. */
  readonly cycles?: number
  readonly inferencesPerSecond?: number
  /** Of the mapped netlist, under Icarus: what the testbench said. */
  readonly simulation: string
  readonly tools: Readonly<Record<string, string>>
}

export interface Share {
  readonly used: number
  readonly available: number
}

const share = z.object({ used: z.int(), available: z.int() })
const placed = z.object({
  fmax: z.record(z.string(), z.object({ achieved: z.number() })),
  utilization: z.object({ ICESTORM_LC: share, ICESTORM_RAM: share, SB_IO: share }),
})

/** What `nextpnr-ice40 --report` wrote: of several clocks the slowest counts. */
export function readPlacement(text: string): {
  readonly logicCells: Share
  readonly blockRams: Share
  readonly pins: number
  readonly megahertz: number
} {
  const { fmax, utilization } = placed.parse(JSON.parse(text))
  const clocks = Object.values(fmax).map(({ achieved }) => achieved)
  if (clocks.length === 0) throw new XgenError('tool-failed', 'nextpnr-ice40 reports no clock')
  return {
    logicCells: utilization.ICESTORM_LC,
    blockRams: utilization.ICESTORM_RAM,
    pins: utilization.SB_IO.used,
    megahertz: round(Math.min(...clocks)),
  }
}

/** Cells by type of a flat netlist that `yosys stat` printed. */
export function readCells(text: string): ReadonlyMap<string, number> {
  const cells = [...text.matchAll(/^ +(\$?\w+) +(\d+)$/gm)].map(
    ([, type, count]) => [type!, Number(count)] as const,
  )
  return new Map(cells.filter(([type]) => type.startsWith('SB_')))
}

/** Total path delay of an icetime report, as a clock in MHz. */
export function readIcetime(text: string): number {
  const match = /\(([\d.]+) MHz\)/.exec(text)
  if (match === null) throw new XgenError('tool-failed', 'icetime reports no clock')
  return round(Number(match[1]))
}

const round = (megahertz: number) => Number(megahertz.toFixed(2))

/** The report as people read it. */
export function describe(report: Ice40Report): string {
  const of = ({ used, available }: Share) =>
    `${used} of ${available} (${((100 * used) / available).toFixed(0)} %)`
  const { cycles, inferencesPerSecond } = report
  const { nextpnr, icetime } = report.megahertz
  return [
    `${report.design}: ${report.top} on ${report.device}`,
    `  logic cells   ${of(report.logicCells)}: ${report.luts} LUTs, ${report.carries} carries, ${report.flipFlops} flip-flops`,
    `  block RAMs    ${of(report.blockRams)}`,
    `  pins          ${report.pins}`,
    `  clock         ${nextpnr.toFixed(2)} MHz by nextpnr, ${icetime.toFixed(2)} MHz by icetime`,
    ...(cycles === undefined
      ? []
      : [`  inference     ${cycles} cycles: ${inferencesPerSecond} a second at nextpnr's clock`]),
    `  bitstream     ${report.bitstreamBytes} bytes`,
    `  mapped netlist  ${report.simulation}`,
    `  tools         ${Object.entries(report.tools)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
  ].join('\n')
}
