import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import type { Server } from 'node:net'
import { ApiListenError } from '#api/listen-error.ts'
import type { ListenAddress } from '#config/config.ts'

/** Who may send commands. */
export interface DoorCredential {
  readonly userName: string
  /** Empty: nobody is asked. */
  readonly password: string
}

/** A listener that answers commands. */
export interface Door extends AsyncDisposable {
  readonly address: ListenAddress
}

/** Opens a listener. @throws {ApiListenError} */
export async function listen(server: Server, address: ListenAddress, key: string): Promise<ListenAddress> {
  try {
    server.listen({ host: address.host, port: address.port })
    await once(server, 'listening')
  } catch (error) {
    throw new ApiListenError(address, `facades.evostream.${key}`, error)
  }
  const bound = server.address()
  return { host: address.host, port: typeof bound === 'object' && bound !== null ? bound.port : address.port }
}

/** Whether these are the credentials; the time taken says nothing about them. An empty user name asks for none. */
export function isKnown(credential: DoorCredential, userName: string, password: string): boolean {
  const isUser = credential.userName === '' || isSame(userName, credential.userName)
  return isSame(password, credential.password) && isUser
}

function isSame(given: string, wanted: string): boolean {
  return timingSafeEqual(createHash('sha256').update(given).digest(), createHash('sha256').update(wanted).digest())
}
