import { readInput } from '../../base/files.ts'
import { MessageReader } from './protobuf.ts'
import { type NamedModelTensor, readTensor } from './tensor.ts'

/** A tensor alone in a file (.pb), as ONNX's own tests have their inputs and outputs. */
export function readTensorFile(path: string): NamedModelTensor {
  return readTensor(new MessageReader(readInput(path, 'tensor file'), path), { directory: '', taken: 0 })
}
