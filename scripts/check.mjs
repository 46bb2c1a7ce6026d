// npm run check: types, format, lint, unused code.
import { runChecks } from './setup/checks.mjs'
import { ensureInstalled } from './setup/install.mjs'

ensureInstalled()
process.exit((await runChecks()) === 0 ? 0 : 1)
