/** A real Chromium for tests, and a server for what it opens. Needs neither root nor a GPU. */
export { axeProblems } from './axe-problems.js';
export { launchBrowser } from './launch-browser.js';
export { serveFolder } from './serve-folder.js';
export { driveBrowser } from './web-driver.js';
