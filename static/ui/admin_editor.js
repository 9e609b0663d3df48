// The runbook editor inside the stock admin, which has nothing else of the shell.
import {start} from "./editor.js";

start(document);
