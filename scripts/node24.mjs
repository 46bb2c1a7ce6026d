// Runs a TypeScript program of this repository: node scripts/node24.mjs <file.ts> [arguments]
import { ensureInstalled } from './setup/install.mjs'
import { continueAsNode24 } from './setup/run-node24.mjs'

ensureInstalled()
continueAsNode24(process.argv.slice(2))
