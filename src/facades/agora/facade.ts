import { join } from 'node:path'
import type { ListenAddress } from '#config/config.ts'
import type { ValuesOf } from '#config/key.ts'
import { type FacadeContext, implementFacade, type RunningFacade } from '../facade.ts'
import { ChannelRecordings } from './channel-recordings.ts'
import { Channels } from './channels.ts'
import { CloudRecordings } from './cloud/cloud-recordings.ts'
import { Conversions } from './conversion/conversions.ts'
import { AGORA } from './declaration.ts'
import { AgoraKeysError } from './errors.ts'
import { isHexId } from './keys/signing.ts'
import { RecordingCalls } from './recording-calls.ts'
import { openWeb } from './web.ts'

type Settings = ValuesOf<typeof AGORA.keys>

/** Records channels as Agora Recording Server does. */
export const agora = implementFacade(AGORA, { start })

async function start(settings: Settings, context: FacadeContext): Promise<RunningFacade> {
  const { runtime, control, roots, data } = context
  const { vendorKey, signKey, listen, allowedOrigins, audioOnly, convert } = settings
  if (!isHexId(vendorKey)) throw new AgoraKeysError('vendorKey')
  if (signKey !== '' && !isHexId(signKey)) throw new AgoraKeysError('signKey')
  const [root = ''] = roots
  await using opening = new AsyncDisposableStack()
  const channels = opening.use(new Channels(runtime, control.hub))
  const recordings = opening.use(
    new ChannelRecordings({
      runtime,
      recorder: control.recorder,
      channels,
      tree: { root, isUtc: settings.utc, closesErrorStatus: settings.closedErrorStatus },
      emptyMs: settings.emptySeconds * 1000,
    }),
  )
  opening.use(
    new Conversions({
      runtime,
      recorder: control.recorder,
      channels: recordings,
      root,
      isUtc: settings.utc,
      silenceSeconds: settings.silencePaddingSeconds,
      when: convert.when,
      logFile: convert.log === '' ? join(data, 'agora_hourly.log') : convert.log,
    }),
  )
  const cloudRecordings = opening.use(
    new CloudRecordings({
      runtime,
      recorder: control.recorder,
      composer: control.composer,
      pulls: settings.cloud.web ? control.pulls : undefined,
      channels,
      root,
    }),
  )
  const access = { appId: vendorKey, ...settings.cloud }
  const calls = new RecordingCalls({ runtime, recordings, project: { vendorKey, signKey }, audioOnly })
  await using opened = new AsyncDisposableStack()
  const addresses: Record<string, ListenAddress> = {}
  if (listen !== undefined) {
    const cloud = { recordings: cloudRecordings, access }
    const key = 'facades.agora.listen'
    const door = opened.use(await openWeb({ runtime, calls, cloud, listen, key, allowedOrigins }))
    addresses['http'] = door.address
  }
  const doors = opened.move()
  const owned = opening.move()
  return {
    addresses,
    closeDoors: () => doors.disposeAsync(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
