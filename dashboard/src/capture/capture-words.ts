/** What to say about a capture that did not come about: a headline, and what can be done besides what the error says. */
export interface CaptureWords {
  readonly title: string
  readonly advice: string
}

/** `address`: the page's own, for the advice that needs it. */
export function captureWords(code: string, address: { readonly host: string; readonly port: string }): CaptureWords {
  switch (code) {
    case 'client/insecure-origin': {
      const port = address.port === '' ? '' : `:${address.port}`
      return {
        title: `No camera for http://${address.host}`,
        advice: `On the server's own machine open http://localhost${port}/. From elsewhere, put a reverse proxy with TLS before the server and open the page by https://.`,
      }
    }
    case 'client/permission-denied':
      return { title: 'Not allowed', advice: 'Nothing is sent or kept before you press Record.' }
    case 'client/no-device':
      return {
        title: 'Nothing found',
        advice: 'If there is a camera but no microphone, choose “None” as the microphone. A screen needs neither.',
      }
    case 'client/device-busy':
      return {
        title: 'Busy',
        advice: 'Other tabs and programs for meetings keep cameras to themselves on some systems.',
      }
    case 'client/unsupported':
      return { title: 'This browser can’t', advice: 'Current versions of Chrome, Edge, Firefox and Safari can.' }
    default:
      return { title: 'That did not work', advice: '' }
  }
}
