import { useApp } from './context.ts'
import { useStore } from './use-store.ts'

/** Whether our credential allows it; buttons for what it does not are left out. The server decides all the same. */
export function useMay(permission: 'view' | 'record' | 'manage'): boolean {
  const { feed } = useApp()
  const { server } = useStore(feed.state)
  return server?.access.permissions.includes(permission) === true
}
