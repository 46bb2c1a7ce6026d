import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { within } from '#base/within.ts'
import type { Config, ListenAddress } from '#config/config.ts'
import type { RtmpExtension } from '#ingest/rtmp/extension.ts'
import type { Facade, FacadeContext } from './facade.ts'

/** Where each facade's code is; loaded only when the facade is enabled. */
const LOADERS: Readonly<Record<string, () => Promise<Facade>>> = {
  agora: async () => (await import('./agora/facade.ts')).agora,
  evostream: async () => (await import('./evostream/facade.ts')).evostream,
  flashphoner: async () => (await import('./flashphoner/facade.ts')).flashphoner,
  openvidu: async () => (await import('./openvidu/facade.ts')).openvidu,
  wowza: async () => (await import('./wowza/facade.ts')).wowza,
}

/** How long each of the two steps in which a facade ends may take. */
const CLOSE_PATIENCE_MS = 5_000

/** Facades that run, and the way to end them all; see RunningFacade. */
export interface RunningFacades extends AsyncDisposable {
  readonly addresses: Readonly<Record<string, Readonly<Record<string, ListenAddress>>>>
  /** For the RTMP server, which is to listen only when it has this. */
  readonly rtmp: RtmpExtension | undefined
  /** Nobody gives orders through a facade any more. Never rejects; bounded in time. */
  closeDoors(): Promise<void>
}

/** Starts what is enabled, in the order of the declarations; if one can't start, none stays. */
export async function startFacades(
  config: Pick<Config, 'facades' | 'data'>,
  context: Omit<FacadeContext, 'data'>,
): Promise<RunningFacades> {
  await using opening = new AsyncDisposableStack()
  const addresses: Record<string, Readonly<Record<string, ListenAddress>>> = {}
  const doors: (() => Promise<void>)[] = []
  let rtmp: RtmpExtension | undefined
  /** One facade's trouble at its end must not keep the others, or the recorder, from theirs. */
  const end = async (step: string, name: string, work: () => Promise<void>) => {
    try {
      await within(CLOSE_PATIENCE_MS, work())
    } catch (error) {
      context.runtime.log.error({ event: 'facade.close-failed', facade: name, step, err: error })
    }
  }
  for (const [name, settings] of Object.entries(config.facades)) {
    const load = LOADERS[name]
    if (!settings.enabled || load === undefined) continue
    const facade = await load()
    const data = join(config.data, 'facades', name)
    await mkdir(data, { recursive: true })
    const running = await facade.start(settings, { ...context, data })
    let closed: Promise<void> | undefined
    const closeDoors = () => {
      closed ??= end('closeDoors', name, () => running.closeDoors())
      return closed
    }
    opening.defer(() => end('dispose', name, async () => running[Symbol.asyncDispose]()))
    // In case another one can't start.
    opening.defer(closeDoors)
    doors.push(closeDoors)
    addresses[name] = running.addresses
    rtmp ??= running.rtmp
    context.runtime.log.info({ event: 'facade.started', facade: name, addresses: running.addresses })
  }
  const owned = opening.move()
  return {
    addresses,
    rtmp,
    async closeDoors() {
      await Promise.all(doors.map((closeDoors) => closeDoors()))
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
