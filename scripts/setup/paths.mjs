// Plain JavaScript that any Node from 20 on can run: it comes before Node 24 is there.
import { fileURLToPath } from 'node:url'

/** Folder of package.json, with a slash at the end. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** The Node that runs the TypeScript sources: a package of its own, so that the machine's may be older. */
export const NODE_24 = `${ROOT}node_modules/.bin/node`
