import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config, ListenAddress } from '#config/config.ts'
import type { RtmpExtension } from '#ingest/rtmp/extension.ts'
import type { Facade, FacadeContext } from './facade.ts'

/** Where each facade's code is; loaded only when the facade is enabled. */
const LOADERS: Readonly<Record<string, () => Promise<Facade>>> = {
  evostream: async () => (await import('./evostream/facade.ts')).evostream,
  flashphoner: async () => (await import('./flashphoner/facade.ts')).flashphoner,
  wowza: async () => (await import('./wowza/facade.ts')).wowza,
}

/** Facades that run, and the way to end them all. */
export interface RunningFacades extends AsyncDisposable {
  readonly addresses: Readonly<Record<string, Readonly<Record<string, ListenAddress>>>>
  /** For the RTMP server, which is to listen only when it has this. */
  readonly rtmp: RtmpExtension | undefined
}

/** Starts what is enabled, in the order of the declarations; if one can't start, none stays. */
export async function startFacades(
  config: Pick<Config, 'facades' | 'data'>,
  context: Omit<FacadeContext, 'data'>,
): Promise<RunningFacades> {
  await using opening = new AsyncDisposableStack()
  const addresses: Record<string, Readonly<Record<string, ListenAddress>>> = {}
  let rtmp: RtmpExtension | undefined
  for (const [name, settings] of Object.entries(config.facades)) {
    const load = LOADERS[name]
    if (!settings.enabled || load === undefined) continue
    const facade = await load()
    const data = join(config.data, 'facades', name)
    await mkdir(data, { recursive: true })
    const running = opening.use(await facade.start(settings, { ...context, data }))
    addresses[name] = running.addresses
    rtmp ??= running.rtmp
    context.runtime.log.info({ event: 'facade.started', facade: name, addresses: running.addresses })
  }
  const owned = opening.move()
  return { addresses, rtmp, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
