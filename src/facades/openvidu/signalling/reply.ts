/** What a request is answered with, and what is to be done when it is on its way. */
export interface Reply {
  readonly result: object
  readonly after?: () => void
}
