import { energySection } from './accelerator-energy.ts'
import type { AcceleratorFigures, AccuracyFigures, DesignFigures } from './accelerator-figures.ts'
import { blocksPlot, figure, number, percent } from './accelerator-parts.ts'
import { timingBlock, timingQuantities } from './accelerator-timing.ts'
import { heatMaps } from './heat-maps.ts'
import type { Block, Page, Row, Section } from './page.ts'

/** Area and energy of an accelerator as a page. */
export async function acceleratorPage(figures: AcceleratorFigures): Promise<Page> {
  const { net, design, library, engine, script } = figures
  return {
    title: `${net} on ${design.array} PEs, ${design.dataflow}`,
    lead: `Area and energy in ${library}: ${engine}, script ${script}. Multipliers: ${specsOf(design)}.`,
    sections: [
      summary(figures),
      await areaSection(figures),
      ...(design.energy === null ? [noEnergy(figures)] : [await energySection(figures)]),
      ...(figures.errors.length === 0 ? [] : [await errorSection(figures)]),
      sources(figures),
    ],
  }
}

const specsOf = ({ multipliers }: DesignFigures): string => {
  const all = new Set(multipliers.flatMap(({ specs }) => specs))
  return all.size === 1
    ? [...all][0]!
    : multipliers.map(({ layer, specs }) => `${layer} ${specs.join(' + ')}`).join(', ')
}

/** The run beside its baselines, and the ratio to each. */
function summary(figures: AcceleratorFigures): Section {
  const { design, baselines, areaUnit, known, accuracy } = figures
  const all = [design, ...baselines]
  const quantities: readonly (readonly [name: string, of: (of: DesignFigures) => number | undefined])[] = [
    [`area of logic, ${areaUnit}`, ({ area }) => area.logic],
    [`area with memories, ${areaUnit}`, ({ area }) => (area.total === area.logic ? undefined : area.total)],
    [`area of the PEs, ${areaUnit}`, ({ area }) => area.blocks['PEs']],
    ['energy of an inference, nJ', ({ energy }) => (energy === null ? undefined : energy.total / 1000)],
    ['of this the PEs, nJ', ({ energy }) => (energy === null ? undefined : energy.blocks['PEs']! / 1000)],
    [
      'multiplications alone, nJ',
      ({ multiplications }) =>
        multiplications === null
          ? undefined
          : multiplications.reduce((sum, { total }) => sum + total, 0) / 1000,
    ],
    ['cycles of an inference', ({ cycles }) => cycles],
    ...timingQuantities(figures),
  ]
  const rows = quantities
    .filter(([, of]) => of(design) !== undefined)
    .map(([name, of]): Row => {
      const own = of(design)!
      const others = baselines.flatMap((baseline) => {
        const value = of(baseline)
        return value === undefined ? ['', ''] : [figure(value), percent(own / value)]
      })
      return { cells: [name, figure(own), ...others] }
    })
  return {
    id: 'summary',
    title: 'Summary',
    blocks: [
      {
        kind: 'table',
        columns: [
          { title: '' },
          number('this design'),
          ...baselines.flatMap(({ name }) => [number(name), number('ratio')]),
        ],
        rows: [...rows, ...accuracyRow(design, baselines)],
        source:
          'Logic is measured by synthesis, energy by simulating its gates; memories are estimated; "multiplications alone" counts as the papers do: multiplications of the network times the energy of their multiplier for uniform operands. Each number has its source below.',
      },
      timingBlock(figures),
      {
        kind: 'table',
        caption: 'Multipliers',
        columns: [{ title: 'design' }, { title: 'multipliers' }],
        rows: all.map((one) => ({ cells: [one.name, specsOf(one)] })),
      },
      accuracyBlock(design, accuracy),
      known.length === 0
        ? {
            kind: 'text',
            text: 'Verification: no result stands in metrics.json. xgen verify --out writes it.',
          }
        : {
            kind: 'table',
            caption: 'Known of this run',
            columns: [{ title: '' }, number('value'), { title: 'source' }],
            rows: known.map(({ name, value, source }) => ({ cells: [name, value, source] })),
          },
    ],
  }
}

/** Baselines that are not exact were not evaluated. */
function accuracyRow(design: DesignFigures, baselines: readonly DesignFigures[]): Row[] {
  if (design.accuracy === null) return []
  const { top1 } = design.accuracy
  const others = baselines.flatMap(({ accuracy }) =>
    accuracy === null ? ['', ''] : [percent(accuracy.top1, 2), percent(top1 / accuracy.top1)],
  )
  return [{ cells: ['accuracy, top-1', percent(top1, 2), ...others] }]
}

function accuracyBlock(design: DesignFigures, measured: AcceleratorFigures['accuracy']): Block {
  if (design.accuracy === null || measured === null)
    return { kind: 'text', text: 'Accuracy: not measured. xgen eval --out writes it.' }
  const row = (name: string, { top1, top5, interval: [low, high] }: AccuracyFigures): Row => ({
    cells: [name, percent(top1, 2), `${percent(low, 2)} to ${percent(high, 2)}`, percent(top5, 2)],
  })
  return {
    kind: 'table',
    caption: 'Accuracy',
    columns: [{ title: '' }, number('top-1'), number('95 % interval'), number('top-5')],
    rows: [row('this design', design.accuracy), row('exact multipliers', measured.exact)],
    source: `xgen eval: the functional emulator, which gives the design's outputs bit by bit, on ${figure(measured.images, 9)} test images of ${measured.data}. The integer network with exact multipliers has the same weights, bits and images.`,
  }
}

async function areaSection(figures: AcceleratorFigures): Promise<Section> {
  const { design, areaUnit, baselines } = figures
  const { modules, memories, logic, total } = design.area
  const source = `Each module is mapped to cells by itself and counted as often as it stands in the design; ${figures.engine}, script ${figures.script}, ${figures.library}.`
  const estimated = memories.some(({ area }) => area !== null)
  return {
    id: 'area',
    title: 'Area',
    blocks: [
      {
        kind: 'plot',
        id: 'area-blocks',
        caption: `Area by block, ${areaUnit}`,
        plot: await blocksPlot(
          [design, ...baselines].map(({ name, area }) => ({ name, blocks: area.blocks })),
          areaUnit,
        ),
        source: estimated ? `${source} Memories are estimated.` : `${source} Memories are not estimated.`,
      },
      {
        kind: 'table',
        caption: 'Modules',
        columns: [
          { title: 'module' },
          { title: 'block' },
          number('instances'),
          number('cells'),
          number(`one, ${areaUnit}`),
          number(`all, ${areaUnit}`),
          number('share of logic'),
          number(`longest path, ${design.longestPath.unit}`),
        ],
        rows: [
          ...[...modules]
            .sort((a, b) => b.instances * b.area - a.instances * a.area)
            .map(({ module, block, instances, cells, area, delay }) => ({
              cells: [
                module,
                block,
                figure(instances),
                figure(cells),
                figure(area),
                figure(instances * area),
                percent((instances * area) / logic),
                figure(delay),
              ],
            })),
          { cells: ['logic', '', '', '', '', figure(logic), '100.0 %', ''], total: true },
        ],
        source:
          "A path counts from the clock edge or the module's inputs to its outputs or the next edge. Only the script buffered gives buffers to nets with many sinks.",
      },
      {
        kind: 'table',
        caption: 'Memories',
        columns: [
          { title: 'memory' },
          { title: 'in module' },
          { title: 'kind' },
          number('words'),
          number('bits a word'),
          number('instances'),
          number('bits in all'),
          number(`all, ${areaUnit}`),
        ],
        rows: [
          ...memories.map(({ module, name, words, width, instances, kind, area }) => ({
            cells: [
              name,
              module,
              kind ?? 'not estimated',
              figure(words),
              figure(width),
              figure(instances),
              figure(words * width * instances, 12),
              area === null ? '' : figure(area * instances),
            ],
          })),
          ...(estimated
            ? [{ cells: ['memories', '', '', '', '', '', '', figure(total - logic)], total: true }]
            : []),
        ],
        source: estimated
          ? figures.memorySources.join('. ')
          : 'The feature size of the library is not known, so that memories cannot be estimated: set synth.node_nm.',
      },
    ],
  }
}

const noEnergy = ({ library }: AcceleratorFigures): Section => ({
  id: 'energy',
  title: 'Energy',
  blocks: [
    {
      kind: 'text',
      text: `Not measured: the library ${library} knows no energies. Choose another one with --lib.`,
    },
  ],
})

async function errorSection({ errors }: AcceleratorFigures): Promise<Section> {
  const plot = await heatMaps('Mean of |error|', 'mean', errors)
  const source =
    'A is the activation, B the weight, in up to 32 ranges of values each, in their order; each map has a scale of its own. Of cells of more than 256 pairs, 256 are drawn.'
  const caption = 'Mean error of the approximate multipliers over their operands'
  return {
    id: 'errors',
    title: 'Errors of the multipliers',
    blocks: [{ kind: 'plot', id: 'error-maps', caption, plot, source }],
  }
}

function sources({
  plan,
  library,
  technology,
  wires,
  memorySources,
  engine,
  script,
  periodNs,
  request,
}: AcceleratorFigures): Section {
  const rows = [
    ['cells and area', `${engine}, script ${script}, library ${library}`],
    [
      'wires',
      `${wires === null ? 'none: before layout' : `the library's model "${wires}"`}, ${request.wires === null ? 'as the library has it by default' : 'as asked for'}`,
    ],
    ['delays and energies of cells', `the library ${library}, SHA-256 ${request.libraryHash}`],
    [
      'energy',
      `cycles of ${periodNs} ns; of each module, the gates of up to ${request.samples} instances, drawn with seed ${request.seed}`,
    ],
    ['memories', technology === null ? 'not estimated' : memorySources.join('. ')],
    [
      'technology of the memories',
      technology === null ? '' : `${technology.node} nm, ${technology.voltage} V`,
    ],
    ['cycles', 'the plan, which the cycle model and the Verilog follow'],
    ['plan', plan],
  ]
  return {
    id: 'sources',
    title: 'Where the numbers come from',
    blocks: [
      {
        kind: 'table',
        columns: [{ title: 'number' }, { title: 'source' }],
        rows: rows.filter(([, source]) => source !== '').map((cells) => ({ cells })),
      },
    ],
  }
}
