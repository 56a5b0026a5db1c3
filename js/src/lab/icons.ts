// The icons of the extension: the picture of the studio's own icon, in one colour for the bars and in several for the launcher.

/** JupyterLab gives what has this class the colour of its other icons, also when the theme changes. */
export const PLAIN =
  '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g class="jp-icon3 jp-icon-selectable" fill="#616161">' +
  '<path fill-rule="evenodd" d="M6 2h12a4 4 0 0 1 4 4v12a4 4 0 0 1-4 4H6a4 4 0 0 1-4-4V6a4 4 0 0 1 4-4zm0 2a2 2 0 0 0-2 2v9.2L8.6 9a1 1 0 0 1 1.6 0l4.6 6 1.6-1.6a1 1 0 0 1 1.4 0L20 15.600V6a2 2 0 0 0-2-2z"/>' +
  '<circle cx="16" cy="8" r="2"/></g></svg>';

export const COLOURED =
  '<svg xmlns="http://www.w3.org/2000/svg" width="32" viewBox="0 0 32 32">' +
  '<rect width="32" height="32" rx="7" fill="#3d4fae"/><circle cx="22" cy="10" r="4" fill="#f2c77d"/>' +
  '<path d="M0 26 10 14l8 9 5-5 9 8a7 7 0 0 1-7 6H7a7 7 0 0 1-7-6z" fill="#eceef6"/></svg>';
