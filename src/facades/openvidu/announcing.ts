import type { Hub } from '#hub/hub.ts'
import type { Connection } from './connection.ts'
import type { Room } from './room.ts'

/**
 * Tells the others of what somebody publishes once there is something to play: whoever asked for it earlier would have to
 * wait, and gives up when that takes long. Dispose the result when it is published no more.
 */
export function announceWhenBegun(room: Room, connection: Connection, hub: Hub): Disposable {
  const waiting = new DisposableStack()
  const { published } = connection
  if (published === undefined) return waiting
  const { publication } = published
  const announce = () => {
    waiting.dispose()
    if (publication.ended === undefined) room.announce(connection)
  }
  if (publication.stream !== undefined) announce()
  else {
    waiting.use(
      hub.streamStarted.listen(({ path }) => {
        if (path === publication.path) announce()
      }),
    )
  }
  return waiting
}
