import type { User } from '../channels.ts'
import type { MixLayout } from './request.ts'
import type { Subscription } from './subscription.ts'

/** What of a channel becomes files: every user by himself, or all in one picture. */
export interface CloudSource {
  joined(user: User): void
  left(user: User): void
  /** Others are recorded from now on. */
  update(subscription: Subscription, users: readonly User[]): void
  /** Resolves when its files are final. */
  end(): Promise<void>
}

/** A source whose users share a picture. */
export interface MixedSource extends CloudSource {
  setLayout(layout: MixLayout): void
}
