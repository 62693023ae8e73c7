import type { AnyPlan } from '../src/plan/any-plan.ts'
import type { Port, PortLayout } from './ports.ts'

type Row = readonly [name: string, direction: 'input' | 'output', word: number, low: number, bits: number]

const image: readonly Row[] = [
  ['aresetn', 'input', 0, 0, 1],
  ['s_axis_tvalid', 'input', 0, 1, 1],
  ['s_axis_tready', 'output', 0, 2, 1],
  ['s_axis_tlast', 'input', 0, 3, 1],
  ['m_axis_tvalid', 'output', 0, 4, 1],
  ['m_axis_tready', 'input', 0, 5, 1],
  ['m_axis_tlast', 'output', 0, 6, 1],
  ['s_axis_tdata', 'input', 1, 0, 8],
  ['m_axis_tdata', 'output', 1, 8, 8],
]
const weights: readonly Row[] = [
  ['s_axis_weights_tvalid', 'input', 0, 7, 1],
  ['s_axis_weights_tready', 'output', 0, 8, 1],
  ['s_axis_weights_tlast', 'input', 0, 9, 1],
  ['s_axis_weights_tdata', 'input', 3, 0, 32],
]
const control: readonly Row[] = [
  ['s_axi_ctrl_awvalid', 'input', 0, 10, 1],
  ['s_axi_ctrl_awready', 'output', 0, 11, 1],
  ['s_axi_ctrl_wvalid', 'input', 0, 12, 1],
  ['s_axi_ctrl_wready', 'output', 0, 13, 1],
  ['s_axi_ctrl_bvalid', 'output', 0, 14, 1],
  ['s_axi_ctrl_bready', 'input', 0, 15, 1],
  ['s_axi_ctrl_arvalid', 'input', 0, 16, 1],
  ['s_axi_ctrl_arready', 'output', 0, 17, 1],
  ['s_axi_ctrl_rvalid', 'output', 0, 18, 1],
  ['s_axi_ctrl_rready', 'input', 0, 19, 1],
  ['s_axi_ctrl_bresp', 'output', 0, 20, 2],
  ['s_axi_ctrl_rresp', 'output', 0, 22, 2],
  ['s_axi_ctrl_wstrb', 'input', 0, 24, 4],
  ['irq', 'output', 0, 28, 1],
  ['s_axi_ctrl_awaddr', 'input', 1, 16, 12],
  ['s_axi_ctrl_araddr', 'input', 2, 0, 12],
  ['s_axi_ctrl_wdata', 'input', 4, 0, 32],
  ['s_axi_ctrl_rdata', 'output', 5, 0, 32],
]

export type SourceName = 'image' | 'weights' | 'aw' | 'w' | 'ar'
export type SinkName = 'output' | 'b' | 'r'
export type ChannelName = SourceName | SinkName

/** A channel: a payload moves in each cycle in which valid and ready are 1. */
export interface Channel<Name extends ChannelName = ChannelName> {
  readonly name: Name
  readonly valid: string
  readonly ready: string
  /** The first one is a beat's `data`, the second its `extra`. */
  readonly payload: readonly string[]
}

const stream = <Name extends ChannelName>(name: Name, prefix: string): Channel<Name> => ({
  name,
  valid: `${prefix}_tvalid`,
  ready: `${prefix}_tready`,
  payload: [`${prefix}_tdata`, `${prefix}_tlast`],
})
const bus = <Name extends ChannelName>(name: Name, payload: readonly string[]): Channel<Name> => ({
  name,
  valid: `s_axi_ctrl_${name}valid`,
  ready: `s_axi_ctrl_${name}ready`,
  payload: payload.map((part) => `s_axi_ctrl_${part}`),
})

/** Channels on which the host sends. */
export const sources: readonly Channel<SourceName>[] = [
  stream('image', 's_axis'),
  stream('weights', 's_axis_weights'),
  bus('aw', ['awaddr']),
  bus('w', ['wdata', 'wstrb']),
  bus('ar', ['araddr']),
]
/** Channels on which it receives. */
export const sinks: readonly Channel<SinkName>[] = [
  stream('output', 'm_axis'),
  bus('b', ['bresp']),
  bus('r', ['rdata', 'rresp']),
]
/** All, in the order in which the stimulus numbers them. */
export const channels: readonly Channel[] = [...sources, ...sinks]

/** The ports of the AXI wrapper in a frame. Without reload there is no weights stream, and its bits are 0. */
export function axiLayout({ reload }: Pick<AnyPlan, 'reload'>): PortLayout {
  const validity = new Map<string, string>(
    channels.flatMap(({ valid, payload }) => payload.map((part) => [part, valid] as const)),
  )
  const rows = [...image, ...(reload ? weights : []), ...control]
  const ports = rows.map(([name, direction, word, low, bits]): Port => {
    const valid = validity.get(name)
    return { name, direction, bits, word, low, ...(valid === undefined ? {} : { validity: valid }) }
  })
  const moves = (prefix: string) => ({ valid: `${prefix}_tvalid`, ready: `${prefix}_tready` })
  return { ports, words: 6, moves: { input: moves('s_axis'), output: moves('m_axis') } }
}
