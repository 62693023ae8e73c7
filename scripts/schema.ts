/** Writes schema/xgen.schema.json from the schema that checks xgen.yaml. Run after changing src/flow/schema.ts. */
import { join } from 'node:path'
import { packageRoot, writeFileAtomically } from '../src/base/files.ts'
import { canonicalJson } from '../src/base/hash.ts'
import { configurationJsonSchema } from '../src/flow/schema.ts'

writeFileAtomically(
  join(packageRoot, 'schema', 'xgen.schema.json'),
  `${canonicalJson(configurationJsonSchema(), 2)}\n`,
)
