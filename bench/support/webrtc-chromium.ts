import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { launchChromium } from '#test/support/chromium.ts'

const IN_PAGE = join(import.meta.dirname, 'webrtc-chromium.in-page.js')

/** What a browser says that it has sent, and what the server says that it has received and recorded. */
export interface ChromiumCheck {
  readonly stream: string
  readonly codec: string
  readonly retransmitted: number
  readonly sentPictures: number
  readonly recordedPictures: number
  readonly sentSounds: number
  readonly recordedSounds: number
}

interface Sent {
  readonly pictures: number
  readonly sounds: number
  readonly retransmitted: number
  readonly codec: string
}

interface Listed {
  readonly stream: string
  readonly state: string
  readonly ledger: { readonly tracks: readonly { readonly kind: string; readonly written: number }[] }
}

/** Lets real browsers publish to a server that records everything, as the sound comes. @param base `http://host:port` of its API */
export async function checkWithChromium(base: string, publishers: number, seconds: number): Promise<ChromiumCheck[]> {
  const script = await readFile(IN_PAGE, 'utf8')
  const browser = await launchChromium()
  const sent: { readonly stream: string; readonly sent: Sent }[] = []
  try {
    const pages = await Promise.all(
      Array.from({ length: publishers }, async (_, index) => {
        // A context each: pages in the background are slowed down.
        const page = await (await browser.newContext()).newPage()
        await page.goto(`${base}/healthz`)
        await page.evaluate(script)
        const stream = `chromium/${index}`
        const call = `benchPublisher.publish(${JSON.stringify(`${base}/whip/${stream}`)})`
        return { page, stream, session: await page.evaluate<string>(call) }
      }),
    )
    await sleep(seconds * 1000)
    for (const { page, stream } of pages) {
      sent.push({ stream, sent: await page.evaluate<Sent>('benchPublisher.finish()') })
    }
    for (const { session } of pages) await fetch(session, { method: 'DELETE' })
  } finally {
    await browser.close()
  }
  const recordings = await finished(base, publishers)
  return sent.map(({ stream, sent: { pictures, sounds, retransmitted, codec } }) => {
    const tracks = recordings.filter((each) => each.stream === stream).flatMap(({ ledger }) => ledger.tracks)
    const written = (wanted: string) =>
      tracks.filter(({ kind }) => kind === wanted).reduce((sum, each) => sum + each.written, 0)
    return {
      ...{ stream, codec, retransmitted },
      ...{ sentPictures: pictures, recordedPictures: written('video') },
      ...{ sentSounds: sounds, recordedSounds: written('audio') },
    }
  })
}

async function finished(base: string, publishers: number): Promise<readonly Listed[]> {
  for (;;) {
    const { recordings } = (await (await fetch(`${base}/api/v1/recordings?limit=1000`)).json()) as {
      recordings: Listed[]
    }
    const done = recordings.filter(({ state }) => state === 'ready' || state === 'failed')
    if (done.length >= publishers && done.length === recordings.length) return done
    await sleep(200)
  }
}
