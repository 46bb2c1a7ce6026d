// npm start: installs what is missing, builds the page when needed, and goes on as the server. Arguments are those of
// `tapedeck serve`.
import { ensureDashboard } from './setup/dashboard.mjs'
import { ensureInstalled } from './setup/install.mjs'
import { ROOT } from './setup/paths.mjs'
import { continueAsNode24 } from './setup/run-node24.mjs'

ensureInstalled()
ensureDashboard()
continueAsNode24([`${ROOT}src/main.ts`, 'serve', ...process.argv.slice(2)])
