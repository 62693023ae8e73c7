import type { AcceleratorFigures, Amounts, DesignFigures } from './accelerator-figures.ts'
import { blocksPlot, figure, number, percent, thousandths } from './accelerator-parts.ts'
import type { Block, Section } from './page.ts'

/** Of an inference, by block, layer, module and memory; and as the papers count it. */
export async function energySection(figures: AcceleratorFigures): Promise<Section> {
  const { design, baselines, periodNs } = figures
  const energy = design.energy!
  const measured = [design, ...baselines].filter((one) => one.energy !== null)
  const layers = energy.windows.map(({ name, cycles, blocks }) => ({ name, cycles, blocks }))
  const sum = (amounts: Amounts) => Object.values(amounts).reduce((a, b) => a + b, 0)
  const way = `Gates simulated event by event with the library's delays, glitches counted, on what the design's instances took in ${energy.stream}; leakage for cycles of ${periodNs} ns; nets between modules count with those that they enter.`
  const multiplications = design.multiplications ?? []
  return {
    id: 'energy',
    title: 'Energy of an inference',
    blocks: [
      {
        kind: 'plot',
        id: 'energy-blocks',
        caption: 'Energy by block, nJ',
        plot: await blocksPlot(
          measured.map(({ name, energy: one }) => ({ name, blocks: thousandths(one!.blocks) })),
          'nJ',
        ),
        source: `${way} ${standardErrorOf(energy)}`,
      },
      {
        kind: 'plot',
        id: 'energy-layers',
        caption: 'Energy by layer and block, nJ',
        plot: await blocksPlot(
          layers.map(({ name, blocks }) => ({ name, blocks: thousandths(blocks) })),
          'nJ',
        ),
      },
      {
        kind: 'table',
        caption: 'Layers',
        columns: [
          { title: 'layer' },
          number('cycles'),
          number('nJ'),
          number('share'),
          number('PEs, nJ'),
          number('memories, nJ'),
        ],
        rows: [
          ...layers.map(({ name, cycles, blocks }) => ({
            cells: [
              name,
              figure(cycles, 9),
              figure(sum(blocks) / 1000),
              percent(sum(blocks) / energy.total),
              figure(blocks['PEs']! / 1000),
              figure(blocks['memories']! / 1000),
            ],
          })),
          {
            cells: [
              'inference',
              figure(
                layers.reduce((all, { cycles }) => all + cycles, 0),
                9,
              ),
              figure(energy.total / 1000),
              '100.0 %',
              figure(energy.blocks['PEs']! / 1000),
              figure(energy.blocks['memories']! / 1000),
            ],
            total: true,
          },
        ],
        source: `"input" is before the run, "output" behind it. ${figure(energy.outside.bytes, 9)} bytes of codes come from and go to memory outside of the chip: ${figure(energy.outside.total / 1000)} nJ more, which are not in the sums.`,
      },
      {
        kind: 'table',
        caption: 'Modules',
        columns: [
          { title: 'module' },
          { title: 'block' },
          number('instances'),
          number('simulated'),
          number('internal, nJ'),
          number('switching, nJ'),
          number('leakage, nJ'),
          number('in all, nJ'),
          number('standard error'),
        ],
        rows: [...energy.modules]
          .sort((a, b) => b.total - a.total)
          .map(({ module, block, instances, samples, parts, total, standardError }) => ({
            cells: [
              module,
              block,
              figure(instances),
              figure(samples),
              figure(parts.internal / 1000),
              figure(parts.switching / 1000),
              figure(parts.leakage / 1000),
              figure(total / 1000),
              isLone({ instances, samples }) ? 'unknown' : figure(standardError / 1000),
            ],
          })),
        source: way,
      },
      ...(energy.memories.length === 0
        ? []
        : [
            {
              kind: 'table',
              caption: 'Memories',
              columns: [
                { title: 'memory' },
                { title: 'in module' },
                number('words read'),
                number('words written'),
                number('nJ'),
              ],
              rows: energy.memories.map(({ module, name, reads, writes, total }) => ({
                cells: [name, module, figure(reads, 12), figure(writes, 12), figure(total / 1000)],
              })),
              source: `Accesses counted in the netlist, times the estimated energy of one. ${figures.memorySources.join('. ')}`,
            } satisfies Block,
          ]),
      {
        kind: 'table',
        caption: 'Multiplications as the papers count them',
        columns: [{ title: 'multiplier' }, number('multiplications'), number('pJ each'), number('nJ')],
        rows: [
          ...multiplications.map(({ spec, count, each, total }) => ({
            cells: [spec, figure(count, 12), figure(each), figure(total / 1000)],
          })),
          {
            cells: ['all', '', '', figure(multiplications.reduce((all, { total }) => all + total, 0) / 1000)],
            total: true,
          },
        ],
        source:
          'The multiplications of the network times the energy of their multiplier by itself, for uniform operands: what papers on approximate multipliers report. The rows above say what a design with registers, adders, memories and real operands takes.',
      },
    ],
  }
}

/** Whether one instance alone stands for others, so that nobody knows how far they differ. */
const isLone = ({ instances, samples }: { readonly instances: number; readonly samples: number }) =>
  samples === 1 && instances > 1

function standardErrorOf({ modules, standardError }: NonNullable<DesignFigures['energy']>): string {
  return modules.some(isLone)
    ? "The standard error of this design's total is not known: of some modules, one instance alone was simulated."
    : `The standard error of this design's total is ${figure(standardError / 1000)} nJ, since not every instance is simulated.`
}
