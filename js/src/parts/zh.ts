export { zh as words } from "../messages/zh";
