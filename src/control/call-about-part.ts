import { PartNotFoundError } from '#recorder/errors.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { PartDocument } from '#storage/recording-document.ts'
import type { LatestCall, ScriptCall, ScriptRefusal } from './scripts.ts'

/**
 * What a script is called with about a part, with its file as it is called now: since the script was asked for, the
 * file may have made room for another recording of its name. The part is lent until the call is disposed.
 * @throws {RecordingBusyError} its file is being renamed for very long @throws TapedeckError of the catalog
 */
export async function callAboutPart(
  parts: Pick<RecorderApi, 'lendPart'>,
  recording: string,
  index: number,
  call: (part: PartDocument) => ScriptCall,
): Promise<LatestCall | ScriptRefusal> {
  try {
    using lending = new DisposableStack()
    const { part } = lending.use(await parts.lendPart(recording, index))
    const about = call(part)
    const lent = lending.move()
    return { ...about, [Symbol.dispose]: () => lent.dispose() }
  } catch (error) {
    if (!(error instanceof PartNotFoundError)) throw error
    return {
      refusal:
        `part ${index} of recording ${recording} is gone (deleted, or replaced by another recording), and its name may ` +
        "be another's by now: the script was not run",
    }
  }
}
