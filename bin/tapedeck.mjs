#!/usr/bin/env node
// The command line under any Node from 20 on: goes on as the Node 24 that was installed beside it.
import { existsSync } from 'node:fs'
import { NODE_24, ROOT } from '../scripts/setup/paths.mjs'
import { continueAsNode24 } from '../scripts/setup/run-node24.mjs'

if (!existsSync(NODE_24)) {
  console.error(`tapedeck: dependencies are missing: run npm install in ${ROOT}`)
  process.exit(1)
}
continueAsNode24([`${ROOT}src/main.ts`, ...process.argv.slice(2)])
