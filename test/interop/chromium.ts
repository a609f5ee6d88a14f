import { type Browser, chromium } from 'playwright-core'
import { findBrowser, openTestPage, type TestPage } from './browser.ts'

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

const quietly = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Shows the addresses of this host in candidates. */
export const chromiumShowsAddresses = '--disable-features=WebRtcHideLocalIpsWithMdns'

/**
 * Takes whatever certificate a `turns:` server shows. A page has no way to trust an authority, and one that is made for
 * a test should never enter the trust of the host.
 */
export const chromiumTakesAnyCertificate = '--ignore-certificate-errors'

/** Leaves the post-quantum key exchange out of DTLS 1.3. No switch leaves out DTLS 1.3 itself. */
export const chromiumWithoutMlKem = '--disable-features=WebRtcPqcForDtls'

/** A camera and a microphone that are none, without being asked for them, and what is received plays by itself. */
export const chromiumSendsFakeMedia: readonly string[] = [
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
]

/**
 * Starts the system's Chromium, headless and with a profile of its own.
 *
 * Where there is none the test is skipped, and says so; in CI it fails.
 */
export async function launchChromium(context: Mocha.Context, args: readonly string[] = []): Promise<Browser> {
  const executablePath = findBrowser(context, 'Chromium', 'CHROMIUM_PATH', places)
  // Chromium's own sandbox does not work for root, which containers often are.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return await chromium.launch({ executablePath, args: [...quietly, ...sandbox, ...args] })
}

/** A test page in a Chromium of its own, which ends with the page. */
export async function openChromium(context: Mocha.Context, args: readonly string[] = []): Promise<TestPage> {
  const browser = await launchChromium(context, args)
  try {
    const page = await openTestPage(await browser.newPage())
    return {
      evaluate: expression => page.evaluate(expression),
      close: async () => {
        await page.close()
        await browser.close()
      },
    }
  } catch (error) {
    await browser.close()
    throw error
  }
}
