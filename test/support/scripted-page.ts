/** What pages that run scripts of ours need of the browser that shows them, whichever leads it. */
export interface ScriptedPage {
  /** The script's value, or what its promise resolves to. */
  evaluate<Result>(script: string): Promise<Result>
  goto(url: string): Promise<unknown>
}
