import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, launch } from 'puppeteer-core'
import { findBrowser, openTestPage, type TestPage } from './browser.ts'

const places = [
  '/usr/bin/firefox-esr',
  '/usr/bin/firefox',
  '/Applications/Firefox.app/Contents/MacOS/firefox',
  'C:\\Program Files\\Mozilla Firefox\\firefox.exe',
]

export type FirefoxPreferences = Readonly<Record<string, boolean | number | string>>

export interface FirefoxOptions {
  /** As in about:config. */
  readonly preferences?: FirefoxPreferences
  /**
   * Takes whatever certificate a `turns:` server shows. The server has to be named in the URL, by `localhost` say:
   * Firefox does not even connect to a `turns:` server that is given by its address.
   */
  readonly anyCertificate?: boolean
}

/** Shows the addresses of this host in candidates. */
export const firefoxShowsAddresses: FirefoxPreferences = {
  'media.peerconnection.ice.obfuscate_host_addresses': false,
}

/** Uses STUN and TURN servers at loopback addresses, which Firefox refuses otherwise, and gathers these addresses. */
export const firefoxUsesLoopback: FirefoxPreferences = {
  'media.peerconnection.ice.loopback': true,
}

/** Leaves the post-quantum key exchange out of DTLS 1.3. */
export const firefoxWithoutMlKem: FirefoxPreferences = {
  'media.webrtc.enable_pq_hybrid_kex': false,
}

/** Speaks no newer version: 771 is TLS 1.2. */
export const firefoxWithDtls12: FirefoxPreferences = {
  'media.peerconnection.dtls.version.max': 771,
}

/** A camera and a microphone that are none, without being asked for them, and what is received plays by itself. */
export const firefoxSendsFakeMedia: FirefoxPreferences = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
}

const launchMs = 30_000
const closeMs = 10_000

/**
 * A test page in the system's Firefox, headless, with a profile and a home directory of its own. All of it ends with
 * the page, or with this process.
 *
 * Where there is no Firefox the test is skipped, and says so; in CI it fails.
 */
export async function openFirefox(context: Mocha.Context, options: FirefoxOptions = {}): Promise<TestPage> {
  const executablePath = findBrowser(context, 'Firefox', 'FIREFOX_PATH', places)
  const directory = mkdtempSync(join(tmpdir(), 'icefloe-firefox-'))
  const remove = () => rmSync(directory, { recursive: true, force: true, maxRetries: 10 })
  process.once('exit', remove)
  const end = () => {
    process.off('exit', remove)
    remove()
  }
  let browser: Browser | undefined
  try {
    browser = await launchFirefox(executablePath, directory, options)
    const page = await openTestPage(await browser.newPage())
    const close = closing(browser, page)
    return {
      evaluate: expression => page.evaluate(expression),
      close: async () => {
        await close()
        end()
      },
    }
  } catch (error) {
    if (browser !== undefined) await closing(browser)()
    end()
    throw error
  }
}

async function launchFirefox(executablePath: string, directory: string, options: FirefoxOptions): Promise<Browser> {
  const [home, profile] = [join(directory, 'home'), join(directory, 'profile')]
  for (const each of [home, profile]) mkdirSync(each)
  return await launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    timeout: launchMs,
    protocolTimeout: launchMs,
    userDataDir: profile,
    // Firefox does not start for root in the home directory of another user, and it writes there.
    env: { ...process.env, HOME: home },
    extraPrefsFirefox: { ...options.preferences },
    acceptInsecureCerts: options.anyCertificate === true,
  })
}

/** Closes Firefox if it listens, and kills it if not. */
function closing(browser: Browser, page?: TestPage): () => Promise<void> {
  const child = browser.process()
  const exited = new Promise<void>(resolve => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('exit', () => resolve())
  })
  return async () => {
    const kill = () => child?.kill('SIGKILL')
    const killing = setTimeout(kill, closeMs)
    try {
      await page?.close()
      await browser.close()
    } catch {
      kill()
    }
    await exited
    clearTimeout(killing)
  }
}
