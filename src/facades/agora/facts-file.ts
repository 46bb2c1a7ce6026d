import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** How a channel's recording ended: somebody stopped it, or nobody was left. */
export type ChannelEnd = 'stop' | 'empty'

/** What has no place in Metadata.txt. spec section 3.1. */
const FACTS_FILE = 'metadata.json'

/** Notes in a channel's directory how its recording ended. */
export async function writeEnd(directory: string, end: ChannelEnd): Promise<void> {
  await writeFile(join(directory, FACTS_FILE), `${JSON.stringify({ end })}\n`)
}

/** How a channel's recording ended. Undefined: it goes on, or the server was ended. */
export async function readEnd(directory: string): Promise<ChannelEnd | undefined> {
  try {
    const facts: unknown = JSON.parse(await readFile(join(directory, FACTS_FILE), 'utf8'))
    const end = typeof facts === 'object' && facts !== null && 'end' in facts ? facts.end : undefined
    return end === 'stop' || end === 'empty' ? end : undefined
  } catch {
    // Not there, or cut off by a kill.
    return undefined
  }
}
