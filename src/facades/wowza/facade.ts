import { implementFacade } from '../facade.ts'
import { applicationSettings } from './applications.ts'
import { WOWZA } from './declaration.ts'
import { LiveStreams } from './live-stream.ts'
import type { FileRules } from './record-options.ts'
import { Recorders } from './recorders.ts'
import { RtmpFront } from './rtmp.ts'

/** Flash Media Server, Wowza LiveStreamRecord and nanoStream: publish types, calls, and both HTTP interfaces. */
export const wowza = implementFacade(WOWZA, {
  async start(settings, { runtime, control, roots }) {
    await using opening = new AsyncDisposableStack()
    const log = runtime.log.child({ facade: 'wowza' })
    const applications = applicationSettings(settings, roots)
    const rules = (app: string): FileRules => {
      return { roots, mp4Extension: settings.mp4Extension, application: applications(app) }
    }
    const streams = new LiveStreams((path) => control.hub.get(path) !== undefined)
    const recorders = opening.use(new Recorders({ control, log, rules }))
    const rtmp = new RtmpFront({ control, log, settings, rules, streams, recorders })
    const owned = opening.move()
    return { addresses: {}, rtmp, [Symbol.asyncDispose]: () => owned.disposeAsync() }
  },
})
