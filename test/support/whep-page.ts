import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ScriptedPage } from './scripted-page.ts'

const IN_PAGE = join(import.meta.dirname, 'whep-page.in-page.js')
const WAIT_MS = 60_000

/** What a browser says of one track that it receives. */
export interface ReceivedTrack {
  readonly codec: string
  readonly packets: number
  /** Not even repaired. */
  readonly lost: number
  readonly frames: number
  readonly nacks: number
  readonly repaired: number
  readonly level: number
}

export interface WhepPageState {
  readonly connection: string
  readonly width: number
  readonly currentTime: number
  readonly video?: ReceivedTrack
  readonly audio?: ReceivedTrack
}

/** A page that plays by WHEP, as any browser's script does. */
export class WhepPage {
  readonly #page: ScriptedPage
  /** Address of the session. */
  readonly resource: string

  private constructor(page: ScriptedPage, resource: string) {
    this.#page = page
    this.resource = resource
  }

  /**
   * @param url of the WHEP endpoint
   * @param rewritten what the page is given of an answer. Default: all of it
   * @throws the offer is refused
   */
  static async play(
    page: ScriptedPage,
    url: string,
    options: { readonly kinds?: readonly string[]; readonly rewritten?: (answer: string) => Promise<string> } = {},
  ): Promise<WhepPage> {
    const { kinds = ['video', 'audio'], rewritten = async (answer) => answer } = options
    await page.goto(new URL('/healthz', url).href)
    await page.evaluate(await readFile(IN_PAGE, 'utf8'))
    const offer = await page.evaluate<string>(`whepPage.offer(${JSON.stringify(kinds)})`)
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: offer })
    const body = await response.text()
    if (response.status !== 201) throw new Error(`${response.status}: ${body}`)
    const answer = JSON.stringify(await rewritten(body))
    await page.evaluate(`whepPage.accept(${answer})`)
    return new WhepPage(page, new URL(response.headers.get('location') ?? '', url).href)
  }

  state(): Promise<WhepPageState> {
    return this.#page.evaluate<WhepPageState>('whepPage.state()')
  }

  /** Gives the first state that is so. @throws none is */
  async until(isSo: (state: WhepPageState) => boolean): Promise<WhepPageState> {
    for (const endMs = performance.now() + WAIT_MS; ; await sleep(100)) {
      const state = await this.state()
      if (isSo(state)) return state
      if (performance.now() > endMs) throw new Error(`in vain: ${isSo}, but ${JSON.stringify(state)}`)
    }
  }
}
