/**
 * A library for where none is installed, in units that need no process: area in gate equivalents (transistors of static CMOS, divided by
 * the four of a NAND2), capacitance in inputs of an inverter, delay = parasitic delay + load, in the units of I. Sutherland, R. Sproull and
 * D. Harris, "Logical Effort", 1999, whose input capacitances (`effort`) and parasitic delays these are. It knows no energies.
 */
export function genericLibrary(): string {
  return [
    'library (generic) {',
    '  define (xgen_area_unit, library, string);',
    '  xgen_area_unit : "GE";',
    '  delay_model : table_lookup;',
    '  time_unit : "1ns";',
    '  voltage_unit : "1V";',
    '  current_unit : "1mA";',
    '  leakage_power_unit : "1nW";',
    '  capacitive_load_unit (1, pf);',
    ...['input_threshold_pct', 'output_threshold_pct'].flatMap(bothEdges(50)),
    ...bothEdges(20)('slew_lower_threshold_pct'),
    ...bothEdges(80)('slew_upper_threshold_pct'),
    '  lu_table_template (linear) {',
    '    variable_1 : input_net_transition;',
    '    variable_2 : total_output_net_capacitance;',
    '    index_1 ("0, 1");',
    `    index_2 ("0, ${longestLoad}");`,
    '  }',
    ...gates.flatMap(gateText),
    ...flipFlops.flatMap(flipFlopText),
    '}',
    '',
  ].join('\n')
}

const longestLoad = 1000

/** Delays have no shape here, but other tools ask for it. */
const bothEdges = (percent: number) => (name: string) =>
  ['rise', 'fall'].map((edge) => `  ${name}_${edge} : ${percent};`)

/** Pins by `effort` of each, lowest letter first. */
interface GenericGate {
  readonly name: string
  readonly transistors: number
  readonly function: string
  readonly sense: 'positive_unate' | 'negative_unate' | 'non_unate'
  readonly efforts: readonly number[]
  readonly parasitic: number
}

const gate = (
  name: string,
  transistors: number,
  sense: '+' | '-' | '?',
  text: string,
  efforts: readonly number[],
  parasitic: number,
): GenericGate => ({
  name,
  transistors,
  function: text,
  sense: ({ '+': 'positive_unate', '-': 'negative_unate', '?': 'non_unate' } as const)[sense],
  efforts,
  parasitic,
})

/** Gates that end in an inverter of their own (BUF, AND, OR) take its delay, 2, and its input as a load, besides. */
const gates: readonly GenericGate[] = [
  gate('INV', 2, '-', '!A', [1], 1),
  gate('BUF', 4, '+', 'A', [1], 3),
  gate('NAND2', 4, '-', '!(A&B)', [4 / 3, 4 / 3], 2),
  gate('NAND3', 6, '-', '!(A&B&C)', [5 / 3, 5 / 3, 5 / 3], 3),
  gate('NOR2', 4, '-', '!(A|B)', [5 / 3, 5 / 3], 2),
  gate('NOR3', 6, '-', '!(A|B|C)', [7 / 3, 7 / 3, 7 / 3], 3),
  gate('AND2', 6, '+', 'A&B', [4 / 3, 4 / 3], 4),
  gate('OR2', 6, '+', 'A|B', [5 / 3, 5 / 3], 4),
  gate('AOI21', 6, '-', '!((A&B)|C)', [2, 2, 5 / 3], 7 / 3),
  gate('OAI21', 6, '-', '!((A|B)&C)', [2, 2, 4 / 3], 7 / 3),
  gate('AOI22', 8, '-', '!((A&B)|(C&D))', [2, 2, 2, 2], 4),
  gate('OAI22', 8, '-', '!((A|B)&(C|D))', [2, 2, 2, 2], 4),
  gate('XOR2', 10, '?', 'A^B', [4, 4], 4),
  gate('XNOR2', 10, '?', '!(A^B)', [4, 4], 4),
  gate('MUX2', 10, '?', '(A&!C)|(B&C)', [2, 2, 4], 4),
]

function gateText({ name, transistors, function: text, sense, efforts, parasitic }: GenericGate): string[] {
  const pins = efforts.map((effort, i) => ({ pin: 'ABCD'[i]!, effort }))
  return [
    `  cell (${name}) {`,
    `    area : ${transistors / 4};`,
    ...pins.map(({ pin, effort }) => inputText(pin, effort)),
    '    pin (Y) {',
    '      direction : output;',
    `      function : "${text}";`,
    ...pins.flatMap(({ pin }) => arcText(pin, [`timing_sense : ${sense};`], parasitic)),
    '    }',
    '  }',
  ]
}

const flipFlops = [
  { name: 'DFF', transistors: 24, extra: '' },
  { name: 'DFFR', transistors: 28, extra: 'clear' },
  { name: 'DFFS', transistors: 28, extra: 'preset' },
]

function flipFlopText({ name, transistors, extra }: (typeof flipFlops)[number]): string[] {
  return [
    `  cell (${name}) {`,
    `    area : ${transistors / 4};`,
    '    ff (IQ, IQN) {',
    '      clocked_on : "CK";',
    '      next_state : "D";',
    ...(extra === '' ? [] : [`      ${extra} : "!RN";`]),
    '    }',
    inputText('D', 1),
    inputText('CK', 1, ' clock : true;'),
    ...(extra === '' ? [] : [inputText('RN', 1)]),
    '    pin (Q) {',
    '      direction : output;',
    '      function : "IQ";',
    ...arcText('CK', ['timing_type : rising_edge;', 'timing_sense : non_unate;'], 8),
    '    }',
    '  }',
  ]
}

const inputText = (pin: string, effort: number, more = '') =>
  `    pin (${pin}) { direction : input;${more} capacitance : ${effort.toFixed(4)}; }`

function arcText(from: string, attributes: readonly string[], parasitic: number): string[] {
  const row = (at0: number, at1: number) => `"${at0.toFixed(4)}, ${at1.toFixed(4)}"`
  const delays = row(parasitic, parasitic + longestLoad)
  const slews = row(0, 0)
  const table = (name: string, values: string) =>
    `        ${name} (linear) { values (${values}, ${values}); }`
  return [
    '      timing () {',
    `        related_pin : "${from}";`,
    ...attributes.map((attribute) => `        ${attribute}`),
    table('cell_rise', delays),
    table('rise_transition', slews),
    table('cell_fall', delays),
    table('fall_transition', slews),
    '      }',
  ]
}
