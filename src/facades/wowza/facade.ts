import type { ListenAddress } from '#config/config.ts'
import { implementFacade } from '../facade.ts'
import { applicationSettings } from './applications.ts'
import { Authentication } from './authentication.ts'
import { WOWZA } from './declaration.ts'
import { createDoor } from './http-door.ts'
import { LiveStreams } from './live-stream.ts'
import { problemPage, registerLiveStreamRecord } from './livestreamrecord.ts'
import type { FileRules } from './record-options.ts'
import { answerProblem, registerStreamRecorders } from './recorder-routes.ts'
import { Recorders } from './recorders.ts'
import { RtmpFront } from './rtmp.ts'
import { StreamRecorders } from './stream-recorders.ts'
import { loadUsers } from './users.ts'

/** Flash Media Server, Wowza LiveStreamRecord and nanoStream: publish types, calls, and both HTTP interfaces. */
export const wowza = implementFacade(WOWZA, {
  async start(settings, { runtime, control, roots }) {
    await using opening = new AsyncDisposableStack()
    await using opened = new AsyncDisposableStack()
    const log = runtime.log.child({ facade: 'wowza' })
    const applications = applicationSettings(settings, roots)
    const rules = (app: string): FileRules => {
      return { roots, mp4Extension: settings.mp4Extension, application: applications(app) }
    }
    const streams = new LiveStreams((path) => control.hub.get(path) !== undefined)
    const recorders = opening.use(new Recorders({ control, log, rules }))
    const rtmp = new RtmpFront({ control, log, settings, rules, streams, recorders })
    const { http, rest, anonymous } = settings
    const authentication = new Authentication({
      users: await loadUsers(settings),
      credentials: control.credentials,
      anonymous,
      nowMs: runtime.nowMs,
    })
    const common = { runtime: { ...runtime, log }, authentication, anonymous }
    const addresses: Record<string, ListenAddress> = {}
    if (http.listen !== undefined) {
      const door = opened.use(
        createDoor({
          ...common,
          listen: http.listen,
          configKey: 'facades.wowza.http.listen',
          answerError: (problem, _request, reply) => reply.type('text/html; charset=utf-8').send(problemPage(problem)),
        }),
      )
      registerLiveStreamRecord(door.app, { control, settings, streams, recorders, askers: door.askers })
      addresses['http'] = await door.listen()
    }
    if (rest.listen !== undefined) {
      const door = opened.use(
        createDoor({
          ...common,
          listen: rest.listen,
          configKey: 'facades.wowza.rest.listen',
          answerError: answerProblem,
        }),
      )
      const streamRecorders = new StreamRecorders({ control, recorders, rules })
      registerStreamRecorders(door.app, { streams, recorders: streamRecorders, askers: door.askers })
      addresses['rest'] = await door.listen()
    }
    const doors = opened.move()
    const owned = opening.move()
    return {
      addresses,
      rtmp,
      closeDoors: () => doors.disposeAsync(),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    }
  },
})
