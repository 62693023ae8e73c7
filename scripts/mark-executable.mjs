// The bin entry must be executable when the package is run from a checkout (npm sets this only on install).
import { chmodSync } from 'node:fs'

chmodSync(new URL('../dist/src/cli/main.js', import.meta.url), 0o755)
