// The whole: the page to sign in, or the frame with the page that the address names.
import { useEffect } from "preact/hooks";
import { signedIn } from "./api/session";
import { forgetAccount, readAccount } from "./account/who";
import { follow, unfollow } from "./live/team";
import { Frame } from "./frame";
import { SignIn } from "./sign_in/sign_in";
import { Toasts } from "./ui/toast";

export function App() {
    const known = signedIn.value;
    useEffect(() => {
        if (!known) return;
        follow();
        void readAccount();
        return () => {
            unfollow();
            forgetAccount();
        };
    }, [known]);
    return (
        <>
            {known ? <Frame /> : <SignIn />}
            <Toasts />
        </>
    );
}
