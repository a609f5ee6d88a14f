import { createSocket } from 'node:dgram'
import type { Route } from './command.ts'

/** What the operating system would do. Connecting a UDP socket sends nothing. */
export const systemRoute: Route = to => {
  const socket = createSocket(to.family === 6 ? 'udp6' : 'udp4')
  return new Promise(resolve => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close()
      resolve({ error: error.code ?? 'error' })
    })
    socket.connect(to.port, to.address, () => {
      const { address } = socket.address()
      socket.close()
      resolve({ address })
    })
  })
}
