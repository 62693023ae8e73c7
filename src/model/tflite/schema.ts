import type { ElementType } from '../model.ts'
import type { NarrowType } from '../narrow.ts'
import type { HalfType } from '../tensors.ts'

/** Numbers of the format's schema (version 3): fields in the order of their tables, values in the order of their enumerations. */
export const fields = {
  model: { version: 0, operatorCodes: 1, subgraphs: 2, description: 3, buffers: 4 },
  operatorCode: { deprecatedCode: 0, customCode: 1, version: 2, code: 3 },
  subgraph: { tensors: 0, inputs: 1, outputs: 2, operators: 3, name: 4 },
  tensor: {
    shape: 0,
    type: 1,
    buffer: 2,
    name: 3,
    quantisation: 4,
    isVariable: 5,
    sparsity: 6,
    shapeSignature: 7,
  },
  quantisation: { scale: 2, zeroPoint: 3, detailsType: 4, axis: 6 },
  operator: { code: 0, inputs: 1, outputs: 2, optionsType: 3, options: 4 },
  buffer: { data: 0, offset: 1, size: 2 },
} as const

/** Tensor types by number; undefined is one that nothing here reads. */
export const elementTypes: readonly (Exclude<ElementType, HalfType | NarrowType> | undefined)[] = [
  'float32',
  undefined, // float16
  'int32',
  'uint8',
  'int64',
  'string',
  'bool',
  'int16',
  undefined, // complex64
  'int8',
  'float64',
  undefined, // complex128
  'uint64',
  undefined, // resource
  undefined, // variant
  'uint32',
  'uint16',
]

/** Names of tensor types for messages, by number. */
export const typeNames: readonly string[] =
  'float32 float16 int32 uint8 int64 string bool int16 complex64 int8 float64 complex128 uint64 resource variant uint32 uint16 int4'.split(
    ' ',
  )

/** Built-in operators by number. A number beyond the list is named by itself. */
export const operatorNames: readonly string[] = `
  ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR FULLY_CONNECTED
  HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU
  RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS
  SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE
  MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT
  LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG
  PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE
  EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN
  FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN
  FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE
  MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND COS WHERE
  RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE
  NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL PLACEHOLDER CUMSUM CALL_ONCE
  BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE
  REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL
  GELU DYNAMIC_UPDATE_SLICE RELU_0_TO_1`
  .trim()
  .split(/\s+/)

export const paddings = ['SAME', 'VALID'] as const
export const activations = ['NONE', 'RELU', 'RELU_N1_TO_1', 'RELU6', 'TANH', 'SIGN_BIT'] as const

/** How one setting is stored: `pair` joins two fields to [vertical, horizontal]. */
export type OptionField =
  | {
      readonly name: string
      readonly kind: 'padding' | 'activation' | 'flag' | 'float'
      readonly field: number
    }
  | { readonly name: string; readonly kind: 'int'; readonly field: number; readonly absent?: number }
  | { readonly name: string; readonly kind: 'ints'; readonly field: number }
  | {
      readonly name: string
      readonly kind: 'pair'
      readonly vertical: number
      readonly horizontal: number
      readonly absent: number
    }

interface Options {
  /** Number in the union of option tables. */
  readonly type: number
  /** Whether the operator can be read without its table. */
  readonly optional?: true
  readonly settings: readonly OptionField[]
}

const padding = { name: 'padding', kind: 'padding', field: 0 } as const
const strides = { name: 'strides', kind: 'pair', vertical: 2, horizontal: 1, absent: 0 } as const
const activation = (field: number) => ({ name: 'activation', kind: 'activation', field }) as const
const dilations = (horizontal: number) =>
  ({ name: 'dilations', kind: 'pair', vertical: horizontal + 1, horizontal, absent: 1 }) as const
const pool: Options = {
  type: 5,
  settings: [
    padding,
    strides,
    { name: 'window', kind: 'pair', vertical: 4, horizontal: 3, absent: 0 },
    activation(5),
  ],
}
const fused = (type: number): Options => ({ type, optional: true, settings: [activation(0)] })

/** The option tables that are read, by operator; others have none that is needed. */
export const optionTables: ReadonlyMap<string, Options> = new Map<string, Options>([
  ['CONV_2D', { type: 1, settings: [padding, strides, activation(3), dilations(4)] }],
  ['DEPTHWISE_CONV_2D', { type: 2, settings: [padding, strides, activation(4), dilations(5)] }],
  ['AVERAGE_POOL_2D', pool],
  ['MAX_POOL_2D', pool],
  [
    'FULLY_CONNECTED',
    {
      type: 8,
      settings: [
        activation(0),
        { name: 'weights_format', kind: 'int', field: 1 },
        { name: 'keep_num_dims', kind: 'flag', field: 2 },
      ],
    },
  ],
  ['SOFTMAX', { type: 9, settings: [{ name: 'beta', kind: 'float', field: 0 }] }],
  ['CONCATENATION', { type: 10, settings: [{ name: 'axis', kind: 'int', field: 0 }, activation(1)] }],
  ['ADD', fused(11)],
  ['MUL', fused(21)],
  ['SUB', fused(28)],
  ['RESHAPE', { type: 17, optional: true, settings: [{ name: 'shape', kind: 'ints', field: 0 }] }],
  ['MEAN', { type: 27, optional: true, settings: [{ name: 'keep_dims', kind: 'flag', field: 0 }] }],
  ['SQUEEZE', { type: 30, optional: true, settings: [{ name: 'axes', kind: 'ints', field: 0 }] }],
  ['LEAKY_RELU', { type: 75, settings: [{ name: 'alpha', kind: 'float', field: 0 }] }],
])
